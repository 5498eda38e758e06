import type { ResourceType } from './generated/resource-types.ts'

/**
 * Types outside the Patient compartment that help to interpret patient data: a Patient or Group
 * export follows references to them and takes each resource once.
 *
 * Who gave the care, where, on whose behalf and with what: professionals, places, products, devices
 * and the definitions that records were made from. A type is left out when
 *
 * - its resources can speak of other patients than the one that refers to them (BiologicallyDerivedProduct,
 *   Contract, EnrollmentResponse, GuidanceResponse, Linkage, MessageHeader, PaymentNotice,
 *   PaymentReconciliation, Task, VerificationResult): following such a reference would let data leave
 *   the cohort;
 * - it is a container or a list (Binary, Bundle, Parameters), or about a server, its security or
 *   its conformance (Subscription, CapabilityStatement, StructureDefinition, ValueSet …);
 * - it describes research or a product's registration rather than anybody's care (Evidence,
 *   MedicinalProduct, SubstanceSpecification …).
 *
 * The Bulk Data IG permits this (MAY) for Patient and Group level requests.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters | Bulk Data: Query Parameters, _type}
 */
export const SUPPORTING_TYPES: ReadonlySet<ResourceType> = new Set<ResourceType>([
  'ActivityDefinition',
  'ChargeItemDefinition',
  'Device',
  'DeviceDefinition',
  'DeviceMetric',
  'Endpoint',
  'EventDefinition',
  'HealthcareService',
  'InsurancePlan',
  'Location',
  'Measure',
  'Medication',
  'MedicationKnowledge',
  'ObservationDefinition',
  'Organization',
  'OrganizationAffiliation',
  'PlanDefinition',
  'Practitioner',
  'PractitionerRole',
  'Questionnaire',
  'ResearchStudy',
  'Slot',
  'SpecimenDefinition',
  'Substance',
])
