/**
 * An edition of the Bulk Data Access IG whose wire format differs from the others': STU1 (1.0),
 * STU2 (2.0), STU3 (3.0) and the STU4 ballot (4.0).
 */
export type Edition = 'stu1' | 'stu2' | 'stu3' | 'stu4'
