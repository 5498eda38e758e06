// Written by scripts/generate-r4-elements.mjs from the definitions of FHIR R4: do not edit.

import type { ResourceType } from './resource-types.ts'

/**
 * The root elements of each resource type of FHIR R4, in their order, separated by blanks: `name`,
 * with `!` behind it where it is mandatory, and with `:` and the names of its types behind that
 * where it is a choice (`value[x]`).
 */
export const RESOURCE_ELEMENTS: Readonly<Record<ResourceType, string>> = {
  Account:
    'id meta implicitRules language text contained extension modifierExtension identifier status! type name subject servicePeriod coverage owner description guarantor partOf',
  ActivityDefinition:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title subtitle status! experimental subject:CodeableConcept,Reference date publisher contact description useContext jurisdiction purpose usage copyright approvalDate lastReviewDate effectivePeriod topic author editor reviewer endorser relatedArtifact library kind profile code intent priority doNotPerform timing:Timing,DateTime,Age,Period,Range,Duration location participant product:Reference,CodeableConcept quantity dosage bodySite specimenRequirement observationRequirement observationResultRequirement transform dynamicValue',
  AdverseEvent:
    'id meta implicitRules language text contained extension modifierExtension identifier actuality! category event subject! encounter date detected recordedDate resultingCondition location seriousness severity outcome recorder contributor suspectEntity subjectMedicalHistory referenceDocument study',
  AllergyIntolerance:
    'id meta implicitRules language text contained extension modifierExtension identifier clinicalStatus verificationStatus type category criticality code patient! encounter onset:DateTime,Age,Period,Range,String recordedDate recorder asserter lastOccurrence note reaction',
  Appointment:
    'id meta implicitRules language text contained extension modifierExtension identifier status! cancelationReason serviceCategory serviceType specialty appointmentType reasonCode reasonReference priority description supportingInformation start end minutesDuration slot created comment patientInstruction basedOn participant! requestedPeriod',
  AppointmentResponse:
    'id meta implicitRules language text contained extension modifierExtension identifier appointment! start end participantType actor participantStatus! comment',
  AuditEvent:
    'id meta implicitRules language text contained extension modifierExtension type! subtype action period recorded! outcome outcomeDesc purposeOfEvent agent! source! entity',
  Basic:
    'id meta implicitRules language text contained extension modifierExtension identifier code! subject created author',
  Binary: 'id meta implicitRules language contentType! securityContext data url',
  BiologicallyDerivedProduct:
    'id meta implicitRules language text contained extension modifierExtension identifier productCategory productCode status request quantity parent collection processing manipulation storage',
  BodyStructure:
    'id meta implicitRules language text contained extension modifierExtension identifier active morphology location locationQualifier description image patient!',
  Bundle: 'id meta implicitRules language identifier type! timestamp total link entry signature',
  CapabilityStatement:
    'id meta implicitRules language text contained extension modifierExtension url version name title status! experimental date! publisher contact description useContext jurisdiction purpose copyright kind! instantiates imports software implementation fhirVersion! format! patchFormat implementationGuide rest messaging document',
  CarePlan:
    'id meta implicitRules language text contained extension modifierExtension identifier instantiatesCanonical instantiatesUri basedOn replaces partOf status! intent! category title description subject! encounter period created author contributor careTeam addresses supportingInfo goal activity note',
  CareTeam:
    'id meta implicitRules language text contained extension modifierExtension identifier status category name subject encounter period participant reasonCode reasonReference managingOrganization telecom note',
  CatalogEntry:
    'id meta implicitRules language text contained extension modifierExtension identifier type orderable! referencedItem! additionalIdentifier classification status validityPeriod validTo lastUpdated additionalCharacteristic additionalClassification relatedEntry',
  ChargeItem:
    'id meta implicitRules language text contained extension modifierExtension identifier definitionUri definitionCanonical status! partOf code! subject! context occurrence:DateTime,Period,Timing performer performingOrganization requestingOrganization costCenter quantity bodysite factorOverride priceOverride overrideReason enterer enteredDate reason service product:Reference,CodeableConcept account note supportingInformation',
  ChargeItemDefinition:
    'id meta implicitRules language text contained extension modifierExtension url! identifier version title derivedFromUri partOf replaces status! experimental date publisher contact description useContext jurisdiction copyright approvalDate lastReviewDate effectivePeriod code instance applicability propertyGroup',
  Claim:
    'id meta implicitRules language text contained extension modifierExtension identifier status! type! subType use! patient! billablePeriod created! enterer insurer provider! priority! fundsReserve related prescription originalPrescription payee referral facility careTeam supportingInfo diagnosis procedure insurance! accident item total',
  ClaimResponse:
    'id meta implicitRules language text contained extension modifierExtension identifier status! type! subType use! patient! created! insurer! requestor request outcome! disposition preAuthRef preAuthPeriod payeeType item addItem adjudication total payment fundsReserve formCode form processNote communicationRequest insurance error',
  ClinicalImpression:
    'id meta implicitRules language text contained extension modifierExtension identifier status! statusReason code description subject! encounter effective:DateTime,Period date assessor previous problem investigation protocol summary finding prognosisCodeableConcept prognosisReference supportingInfo note',
  CodeSystem:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title status! experimental date publisher contact description useContext jurisdiction purpose copyright caseSensitive valueSet hierarchyMeaning compositional versionNeeded content! supplements count filter property concept',
  Communication:
    'id meta implicitRules language text contained extension modifierExtension identifier instantiatesCanonical instantiatesUri basedOn partOf inResponseTo status! statusReason category priority medium subject topic about encounter sent received recipient sender reasonCode reasonReference payload note',
  CommunicationRequest:
    'id meta implicitRules language text contained extension modifierExtension identifier basedOn replaces groupIdentifier status! statusReason category priority doNotPerform medium subject about encounter payload occurrence:DateTime,Period authoredOn requester recipient sender reasonCode reasonReference note',
  CompartmentDefinition:
    'id meta implicitRules language text contained extension modifierExtension url! version name! status! experimental date publisher contact description useContext purpose code! search! resource',
  Composition:
    'id meta implicitRules language text contained extension modifierExtension identifier status! type! category subject encounter date! author! title! confidentiality attester custodian relatesTo event section',
  ConceptMap:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title status! experimental date publisher contact description useContext jurisdiction purpose copyright source:Uri,Canonical target:Uri,Canonical group',
  Condition:
    'id meta implicitRules language text contained extension modifierExtension identifier clinicalStatus verificationStatus category severity code bodySite subject! encounter onset:DateTime,Age,Period,Range,String abatement:DateTime,Age,Period,Range,String recordedDate recorder asserter stage evidence note',
  Consent:
    'id meta implicitRules language text contained extension modifierExtension identifier status! scope! category! patient dateTime performer organization source:Attachment,Reference policy policyRule verification provision',
  Contract:
    'id meta implicitRules language text contained extension modifierExtension identifier url version status legalState instantiatesCanonical instantiatesUri contentDerivative issued applies expirationType subject authority domain site name title subtitle alias author scope topic:CodeableConcept,Reference type subType contentDefinition term supportingInfo relevantHistory signer friendly legal rule legallyBinding:Attachment,Reference',
  Coverage:
    'id meta implicitRules language text contained extension modifierExtension identifier status! type policyHolder subscriber subscriberId beneficiary! dependent relationship period payor! class order network costToBeneficiary subrogation contract',
  CoverageEligibilityRequest:
    'id meta implicitRules language text contained extension modifierExtension identifier status! priority purpose! patient! serviced:Date,Period created! enterer provider insurer! facility supportingInfo insurance item',
  CoverageEligibilityResponse:
    'id meta implicitRules language text contained extension modifierExtension identifier status! purpose! patient! serviced:Date,Period created! requestor request! outcome! disposition insurer! insurance preAuthRef form error',
  DetectedIssue:
    'id meta implicitRules language text contained extension modifierExtension identifier status! code severity patient identified:DateTime,Period author implicated evidence detail reference mitigation',
  Device:
    'id meta implicitRules language text contained extension modifierExtension identifier definition udiCarrier status statusReason distinctIdentifier manufacturer manufactureDate expirationDate lotNumber serialNumber deviceName modelNumber partNumber type specialization version property patient owner contact location url note safety parent',
  DeviceDefinition:
    'id meta implicitRules language text contained extension modifierExtension identifier udiDeviceIdentifier manufacturer:String,Reference deviceName modelNumber type specialization version safety shelfLifeStorage physicalCharacteristics languageCode capability property owner contact url onlineInformation note quantity parentDevice material classification bodySite',
  DeviceMetric:
    'id meta implicitRules language text contained extension modifierExtension identifier type! unit source parent operationalStatus color category! measurementPeriod calibration',
  DeviceRequest:
    'id meta implicitRules language text contained extension modifierExtension identifier instantiatesCanonical instantiatesUri basedOn priorRequest groupIdentifier status intent! priority code!:Reference,CodeableConcept parameter subject! encounter occurrence:DateTime,Period,Timing authoredOn requester performerType performer reasonCode reasonReference insurance supportingInfo note relevantHistory',
  DeviceUseStatement:
    'id meta implicitRules language text contained extension modifierExtension identifier basedOn status! subject! derivedFrom timing:Timing,Period,DateTime recordedOn source device! reasonCode reasonReference bodySite note',
  DiagnosticReport:
    'id meta implicitRules language text contained extension modifierExtension identifier basedOn status! category code! subject encounter effective:DateTime,Period issued performer resultsInterpreter specimen result imagingStudy media conclusion conclusionCode presentedForm',
  DocumentManifest:
    'id meta implicitRules language text contained extension modifierExtension masterIdentifier identifier status! type subject created author recipient source description content! related',
  DocumentReference:
    'id meta implicitRules language text contained extension modifierExtension masterIdentifier identifier status! docStatus type category subject date author authenticator custodian relatesTo description securityLabel content! context',
  EffectEvidenceSynthesis:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title status! date publisher contact description note useContext jurisdiction copyright approvalDate lastReviewDate effectivePeriod topic author editor reviewer endorser relatedArtifact synthesisType studyType population! exposure! exposureAlternative! outcome! sampleSize resultsByExposure effectEstimate certainty',
  Encounter:
    'id meta implicitRules language text contained extension modifierExtension identifier status! statusHistory class! classHistory type serviceType priority subject episodeOfCare basedOn participant appointment period length reasonCode reasonReference diagnosis account hospitalization location serviceProvider partOf',
  Endpoint:
    'id meta implicitRules language text contained extension modifierExtension identifier status! connectionType! name managingOrganization contact period payloadType! payloadMimeType address! header',
  EnrollmentRequest:
    'id meta implicitRules language text contained extension modifierExtension identifier status created insurer provider candidate coverage',
  EnrollmentResponse:
    'id meta implicitRules language text contained extension modifierExtension identifier status request outcome disposition created organization requestProvider',
  EpisodeOfCare:
    'id meta implicitRules language text contained extension modifierExtension identifier status! statusHistory type diagnosis patient! managingOrganization period referralRequest careManager team account',
  EventDefinition:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title subtitle status! experimental subject:CodeableConcept,Reference date publisher contact description useContext jurisdiction purpose usage copyright approvalDate lastReviewDate effectivePeriod topic author editor reviewer endorser relatedArtifact trigger!',
  Evidence:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title shortTitle subtitle status! date publisher contact description note useContext jurisdiction copyright approvalDate lastReviewDate effectivePeriod topic author editor reviewer endorser relatedArtifact exposureBackground! exposureVariant outcome',
  EvidenceVariable:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title shortTitle subtitle status! date publisher contact description note useContext jurisdiction copyright approvalDate lastReviewDate effectivePeriod topic author editor reviewer endorser relatedArtifact type characteristic',
  ExampleScenario:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name status! experimental date publisher contact useContext jurisdiction copyright purpose actor instance process workflow',
  ExplanationOfBenefit:
    'id meta implicitRules language text contained extension modifierExtension identifier status! type! subType use! patient! billablePeriod created! enterer insurer! provider! priority fundsReserveRequested fundsReserve related prescription originalPrescription payee referral facility claim claimResponse outcome! disposition preAuthRef preAuthRefPeriod careTeam supportingInfo diagnosis procedure precedence insurance! accident item addItem adjudication total payment formCode form processNote benefitPeriod benefitBalance',
  FamilyMemberHistory:
    'id meta implicitRules language text contained extension modifierExtension identifier instantiatesCanonical instantiatesUri status! dataAbsentReason patient! date name relationship! sex born:Period,Date,String age:Age,Range,String estimatedAge deceased:Boolean,Age,Range,Date,String reasonCode reasonReference note condition',
  Flag: 'id meta implicitRules language text contained extension modifierExtension identifier status! category code! subject! period encounter author',
  Goal: 'id meta implicitRules language text contained extension modifierExtension identifier lifecycleStatus! achievementStatus category priority description! subject! start:Date,CodeableConcept target statusDate statusReason expressedBy addresses note outcomeCode outcomeReference',
  GraphDefinition:
    'id meta implicitRules language text contained extension modifierExtension url version name! status! experimental date publisher contact description useContext jurisdiction purpose start! profile link',
  Group:
    'id meta implicitRules language text contained extension modifierExtension identifier active type! actual! code name quantity managingEntity characteristic member',
  GuidanceResponse:
    'id meta implicitRules language text contained extension modifierExtension requestIdentifier identifier module!:Uri,Canonical,CodeableConcept status! subject encounter occurrenceDateTime performer reasonCode reasonReference note evaluationMessage outputParameters result dataRequirement',
  HealthcareService:
    'id meta implicitRules language text contained extension modifierExtension identifier active providedBy category type specialty location name comment extraDetails photo telecom coverageArea serviceProvisionCode eligibility program characteristic communication referralMethod appointmentRequired availableTime notAvailable availabilityExceptions endpoint',
  ImagingStudy:
    'id meta implicitRules language text contained extension modifierExtension identifier status! modality subject! encounter started basedOn referrer interpreter endpoint numberOfSeries numberOfInstances procedureReference procedureCode location reasonCode reasonReference note description series',
  Immunization:
    'id meta implicitRules language text contained extension modifierExtension identifier status! statusReason vaccineCode! patient! encounter occurrence!:DateTime,String recorded primarySource reportOrigin location manufacturer lotNumber expirationDate site route doseQuantity performer note reasonCode reasonReference isSubpotent subpotentReason education programEligibility fundingSource reaction protocolApplied',
  ImmunizationEvaluation:
    'id meta implicitRules language text contained extension modifierExtension identifier status! patient! date authority targetDisease! immunizationEvent! doseStatus! doseStatusReason description series doseNumber:PositiveInt,String seriesDoses:PositiveInt,String',
  ImmunizationRecommendation:
    'id meta implicitRules language text contained extension modifierExtension identifier patient! date! authority recommendation!',
  ImplementationGuide:
    'id meta implicitRules language text contained extension modifierExtension url! version name! title status! experimental date publisher contact description useContext jurisdiction copyright packageId! license fhirVersion! dependsOn global definition manifest',
  InsurancePlan:
    'id meta implicitRules language text contained extension modifierExtension identifier status type name alias period ownedBy administeredBy coverageArea contact endpoint network coverage plan',
  Invoice:
    'id meta implicitRules language text contained extension modifierExtension identifier status! cancelledReason type subject recipient date participant issuer account lineItem totalPriceComponent totalNet totalGross paymentTerms note',
  Library:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title subtitle status! experimental type! subject:CodeableConcept,Reference date publisher contact description useContext jurisdiction purpose usage copyright approvalDate lastReviewDate effectivePeriod topic author editor reviewer endorser relatedArtifact parameter dataRequirement content',
  Linkage:
    'id meta implicitRules language text contained extension modifierExtension active author item!',
  List: 'id meta implicitRules language text contained extension modifierExtension identifier status! mode! title code subject encounter date source orderedBy note entry emptyReason',
  Location:
    'id meta implicitRules language text contained extension modifierExtension identifier status operationalStatus name alias description mode type telecom address physicalType position managingOrganization partOf hoursOfOperation availabilityExceptions endpoint',
  Measure:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title subtitle status! experimental subject:CodeableConcept,Reference date publisher contact description useContext jurisdiction purpose usage copyright approvalDate lastReviewDate effectivePeriod topic author editor reviewer endorser relatedArtifact library disclaimer scoring compositeScoring type riskAdjustment rateAggregation rationale clinicalRecommendationStatement improvementNotation definition guidance group supplementalData',
  MeasureReport:
    'id meta implicitRules language text contained extension modifierExtension identifier status! type! measure! subject date reporter period! improvementNotation group evaluatedResource',
  Media:
    'id meta implicitRules language text contained extension modifierExtension identifier basedOn partOf status! type modality view subject encounter created:DateTime,Period issued operator reasonCode bodySite deviceName device height width frames duration content! note',
  Medication:
    'id meta implicitRules language text contained extension modifierExtension identifier code status manufacturer form amount ingredient batch',
  MedicationAdministration:
    'id meta implicitRules language text contained extension modifierExtension identifier instantiates partOf status! statusReason category medication!:CodeableConcept,Reference subject! context supportingInformation effective!:DateTime,Period performer reasonCode reasonReference request device note dosage eventHistory',
  MedicationDispense:
    'id meta implicitRules language text contained extension modifierExtension identifier partOf status! statusReason:CodeableConcept,Reference category medication!:CodeableConcept,Reference subject context supportingInformation performer location authorizingPrescription type quantity daysSupply whenPrepared whenHandedOver destination receiver note dosageInstruction substitution detectedIssue eventHistory',
  MedicationKnowledge:
    'id meta implicitRules language text contained extension modifierExtension code status manufacturer doseForm amount synonym relatedMedicationKnowledge associatedMedication productType monograph ingredient preparationInstruction intendedRoute cost monitoringProgram administrationGuidelines medicineClassification packaging drugCharacteristic contraindication regulatory kinetics',
  MedicationRequest:
    'id meta implicitRules language text contained extension modifierExtension identifier status! statusReason intent! category priority doNotPerform reported:Boolean,Reference medication!:CodeableConcept,Reference subject! encounter supportingInformation authoredOn requester performer performerType recorder reasonCode reasonReference instantiatesCanonical instantiatesUri basedOn groupIdentifier courseOfTherapyType insurance note dosageInstruction dispenseRequest substitution priorPrescription detectedIssue eventHistory',
  MedicationStatement:
    'id meta implicitRules language text contained extension modifierExtension identifier basedOn partOf status! statusReason category medication!:CodeableConcept,Reference subject! context effective:DateTime,Period dateAsserted informationSource derivedFrom reasonCode reasonReference note dosage',
  MedicinalProduct:
    'id meta implicitRules language text contained extension modifierExtension identifier type domain combinedPharmaceuticalDoseForm legalStatusOfSupply additionalMonitoringIndicator specialMeasures paediatricUseIndicator productClassification marketingStatus pharmaceuticalProduct packagedMedicinalProduct attachedDocument masterFile contact clinicalTrial name! crossReference manufacturingBusinessOperation specialDesignation',
  MedicinalProductAuthorization:
    'id meta implicitRules language text contained extension modifierExtension identifier subject country jurisdiction status statusDate restoreDate validityPeriod dataExclusivityPeriod dateOfFirstAuthorization internationalBirthDate legalBasis jurisdictionalAuthorization holder regulator procedure',
  MedicinalProductContraindication:
    'id meta implicitRules language text contained extension modifierExtension subject disease diseaseStatus comorbidity therapeuticIndication otherTherapy population',
  MedicinalProductIndication:
    'id meta implicitRules language text contained extension modifierExtension subject diseaseSymptomProcedure diseaseStatus comorbidity intendedEffect duration otherTherapy undesirableEffect population',
  MedicinalProductIngredient:
    'id meta implicitRules language text contained extension modifierExtension identifier role! allergenicIndicator manufacturer specifiedSubstance substance',
  MedicinalProductInteraction:
    'id meta implicitRules language text contained extension modifierExtension subject description interactant type effect incidence management',
  MedicinalProductManufactured:
    'id meta implicitRules language text contained extension modifierExtension manufacturedDoseForm! unitOfPresentation quantity! manufacturer ingredient physicalCharacteristics otherCharacteristics',
  MedicinalProductPackaged:
    'id meta implicitRules language text contained extension modifierExtension identifier subject description legalStatusOfSupply marketingStatus marketingAuthorization manufacturer batchIdentifier packageItem!',
  MedicinalProductPharmaceutical:
    'id meta implicitRules language text contained extension modifierExtension identifier administrableDoseForm! unitOfPresentation ingredient device characteristics routeOfAdministration!',
  MedicinalProductUndesirableEffect:
    'id meta implicitRules language text contained extension modifierExtension subject symptomConditionEffect classification frequencyOfOccurrence population',
  MessageDefinition:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title replaces status! experimental date! publisher contact description useContext jurisdiction purpose copyright base parent event!:Coding,Uri category focus responseRequired allowedResponse graph',
  MessageHeader:
    'id meta implicitRules language text contained extension modifierExtension event!:Coding,Uri destination sender enterer author source! responsible reason response focus definition',
  MolecularSequence:
    'id meta implicitRules language text contained extension modifierExtension identifier type coordinateSystem! patient specimen device performer quantity referenceSeq variant observedSeq quality readCoverage repository pointer structureVariant',
  NamingSystem:
    'id meta implicitRules language text contained extension modifierExtension name! status! kind! date! publisher contact responsible type description useContext jurisdiction usage uniqueId!',
  NutritionOrder:
    'id meta implicitRules language text contained extension modifierExtension identifier instantiatesCanonical instantiatesUri instantiates status! intent! patient! encounter dateTime! orderer allergyIntolerance foodPreferenceModifier excludeFoodModifier oralDiet supplement enteralFormula note',
  Observation:
    'id meta implicitRules language text contained extension modifierExtension identifier basedOn partOf status! category code! subject focus encounter effective:DateTime,Period,Timing,Instant issued performer value:Quantity,CodeableConcept,String,Boolean,Integer,Range,Ratio,SampledData,Time,DateTime,Period dataAbsentReason interpretation note bodySite method specimen device referenceRange hasMember derivedFrom component',
  ObservationDefinition:
    'id meta implicitRules language text contained extension modifierExtension publisher category code! identifier permittedDataType multipleResultsAllowed method preferredReportName quantitativeDetails qualifiedInterval validCodedValueSet normalCodedValueSet abnormalCodedValueSet criticalCodedValueSet',
  OperationDefinition:
    'id meta implicitRules language text contained extension modifierExtension url version name! title status! kind! experimental date publisher contact description useContext jurisdiction purpose affectsState code! comment base resource system! type! instance! inputProfile outputProfile parameter overload',
  OperationOutcome:
    'id meta implicitRules language text contained extension modifierExtension issue!',
  Organization:
    'id meta implicitRules language text contained extension modifierExtension identifier active type name alias telecom address partOf contact endpoint',
  OrganizationAffiliation:
    'id meta implicitRules language text contained extension modifierExtension identifier active period organization participatingOrganization network code specialty location healthcareService telecom endpoint',
  Parameters: 'id meta implicitRules language parameter',
  Patient:
    'id meta implicitRules language text contained extension modifierExtension identifier active name telecom gender birthDate deceased:Boolean,DateTime address maritalStatus multipleBirth:Boolean,Integer photo contact communication generalPractitioner managingOrganization link',
  PaymentNotice:
    'id meta implicitRules language text contained extension modifierExtension identifier status! request response created! provider payment! paymentDate payee recipient! amount! paymentStatus',
  PaymentReconciliation:
    'id meta implicitRules language text contained extension modifierExtension identifier status! period created! paymentIssuer request requestor outcome disposition paymentDate! paymentAmount! paymentIdentifier detail formCode processNote',
  Person:
    'id meta implicitRules language text contained extension modifierExtension identifier name telecom gender birthDate address photo managingOrganization active link',
  PlanDefinition:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title subtitle type status! experimental subject:CodeableConcept,Reference date publisher contact description useContext jurisdiction purpose usage copyright approvalDate lastReviewDate effectivePeriod topic author editor reviewer endorser relatedArtifact library goal action',
  Practitioner:
    'id meta implicitRules language text contained extension modifierExtension identifier active name telecom address gender birthDate photo qualification communication',
  PractitionerRole:
    'id meta implicitRules language text contained extension modifierExtension identifier active period practitioner organization code specialty location healthcareService telecom availableTime notAvailable availabilityExceptions endpoint',
  Procedure:
    'id meta implicitRules language text contained extension modifierExtension identifier instantiatesCanonical instantiatesUri basedOn partOf status! statusReason category code subject! encounter performed:DateTime,Period,String,Age,Range recorder asserter performer location reasonCode reasonReference bodySite outcome report complication complicationDetail followUp note focalDevice usedReference usedCode',
  Provenance:
    'id meta implicitRules language text contained extension modifierExtension target! occurred:Period,DateTime recorded! policy location reason activity agent! entity signature',
  Questionnaire:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title derivedFrom status! experimental subjectType date publisher contact description useContext jurisdiction purpose copyright approvalDate lastReviewDate effectivePeriod code item',
  QuestionnaireResponse:
    'id meta implicitRules language text contained extension modifierExtension identifier basedOn partOf questionnaire status! subject encounter authored author source item',
  RelatedPerson:
    'id meta implicitRules language text contained extension modifierExtension identifier active patient! relationship name telecom gender birthDate address photo period communication',
  RequestGroup:
    'id meta implicitRules language text contained extension modifierExtension identifier instantiatesCanonical instantiatesUri basedOn replaces groupIdentifier status! intent! priority code subject encounter authoredOn author reasonCode reasonReference note action',
  ResearchDefinition:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title shortTitle subtitle status! experimental subject:CodeableConcept,Reference date publisher contact description comment useContext jurisdiction purpose usage copyright approvalDate lastReviewDate effectivePeriod topic author editor reviewer endorser relatedArtifact library population! exposure exposureAlternative outcome',
  ResearchElementDefinition:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title shortTitle subtitle status! experimental subject:CodeableConcept,Reference date publisher contact description comment useContext jurisdiction purpose usage copyright approvalDate lastReviewDate effectivePeriod topic author editor reviewer endorser relatedArtifact library type! variableType characteristic!',
  ResearchStudy:
    'id meta implicitRules language text contained extension modifierExtension identifier name title label protocol partOf status! primaryPurposeType phase studyDesign category focus condition contact relatedArtifact keyword location region descriptionSummary description enrollment period sponsor principalInvestigator site reasonStopped note arm classifier associatedParty progressStatus whyStopped recruitment comparisonGroup objective outcomeMeasure result',
  ResearchSubject:
    'id meta implicitRules language text contained extension modifierExtension identifier status! period study! individual! assignedArm actualArm consent',
  RiskAssessment:
    'id meta implicitRules language text contained extension modifierExtension identifier basedOn parent status! method code subject! encounter occurrence:DateTime,Period condition performer reasonCode reasonReference basis prediction mitigation note',
  RiskEvidenceSynthesis:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title status! date publisher contact description note useContext jurisdiction copyright approvalDate lastReviewDate effectivePeriod topic author editor reviewer endorser relatedArtifact synthesisType studyType population! exposure outcome! sampleSize riskEstimate certainty',
  Schedule:
    'id meta implicitRules language text contained extension modifierExtension identifier active serviceCategory serviceType specialty actor! planningHorizon comment',
  SearchParameter:
    'id meta implicitRules language text contained extension modifierExtension url! version name! derivedFrom status! experimental date publisher contact description! useContext jurisdiction purpose code! base! type! expression xpath xpathUsage target multipleOr multipleAnd comparator modifier chain component',
  ServiceRequest:
    'id meta implicitRules language text contained extension modifierExtension identifier instantiatesCanonical instantiatesUri basedOn replaces requisition status! intent! category priority doNotPerform code orderDetail quantity:Quantity,Ratio,Range subject! encounter occurrence:DateTime,Period,Timing asNeeded:Boolean,CodeableConcept authoredOn requester performerType performer locationCode locationReference reasonCode reasonReference insurance supportingInfo specimen bodySite note patientInstruction relevantHistory',
  Slot: 'id meta implicitRules language text contained extension modifierExtension identifier serviceCategory serviceType specialty appointmentType schedule! status! start! end! overbooked comment',
  Specimen:
    'id meta implicitRules language text contained extension modifierExtension identifier accessionIdentifier status type subject receivedTime parent request collection processing container condition note',
  SpecimenDefinition:
    'id meta implicitRules language text contained extension modifierExtension identifier typeCollected patientPreparation timeAspect collection typeTested',
  StructureDefinition:
    'id meta implicitRules language text contained extension modifierExtension url! identifier version name! title status! experimental date publisher contact description useContext jurisdiction purpose copyright keyword fhirVersion mapping kind! abstract! context contextInvariant type! baseDefinition derivation snapshot differential',
  StructureMap:
    'id meta implicitRules language text contained extension modifierExtension url! identifier version name! title status! experimental date publisher contact description useContext jurisdiction purpose copyright structure import group!',
  Subscription:
    'id meta implicitRules language text contained extension modifierExtension status! contact end reason! criteria! error channel!',
  Substance:
    'id meta implicitRules language text contained extension modifierExtension identifier status category code! description instance ingredient',
  SubstanceNucleicAcid:
    'id meta implicitRules language text contained extension modifierExtension sequenceType numberOfSubunits areaOfHybridisation oligoNucleotideType subunit',
  SubstancePolymer:
    'id meta implicitRules language text contained extension modifierExtension class geometry copolymerConnectivity modification monomerSet repeat',
  SubstanceProtein:
    'id meta implicitRules language text contained extension modifierExtension sequenceType numberOfSubunits disulfideLinkage subunit',
  SubstanceReferenceInformation:
    'id meta implicitRules language text contained extension modifierExtension comment gene geneElement classification target',
  SubstanceSourceMaterial:
    'id meta implicitRules language text contained extension modifierExtension sourceMaterialClass sourceMaterialType sourceMaterialState organismId organismName parentSubstanceId parentSubstanceName countryOfOrigin geographicalLocation developmentStage fractionDescription organism partDescription',
  SubstanceSpecification:
    'id meta implicitRules language text contained extension modifierExtension identifier type status domain description source comment moiety property referenceInformation structure code name molecularWeight relationship nucleicAcid polymer protein sourceMaterial',
  SupplyDelivery:
    'id meta implicitRules language text contained extension modifierExtension identifier basedOn partOf status patient type suppliedItem occurrence:DateTime,Period,Timing supplier destination receiver',
  SupplyRequest:
    'id meta implicitRules language text contained extension modifierExtension identifier status category priority item!:CodeableConcept,Reference quantity! parameter occurrence:DateTime,Period,Timing authoredOn requester supplier reasonCode reasonReference deliverFrom deliverTo',
  Task: 'id meta implicitRules language text contained extension modifierExtension identifier instantiatesCanonical instantiatesUri basedOn groupIdentifier partOf status! statusReason businessStatus intent! priority code description focus for encounter executionPeriod authoredOn lastModified requester performerType owner location reasonCode reasonReference insurance note relevantHistory restriction input output',
  TerminologyCapabilities:
    'id meta implicitRules language text contained extension modifierExtension url version name title status! experimental date! publisher contact description useContext jurisdiction purpose copyright kind! software implementation lockedDate codeSystem expansion codeSearch validateCode translation closure',
  TestReport:
    'id meta implicitRules language text contained extension modifierExtension identifier name status! testScript! result! score tester issued participant setup test teardown',
  TestScript:
    'id meta implicitRules language text contained extension modifierExtension url! identifier version name! title status! experimental date publisher contact description useContext jurisdiction purpose copyright origin destination metadata fixture profile variable setup test teardown',
  ValueSet:
    'id meta implicitRules language text contained extension modifierExtension url identifier version name title status! experimental date publisher contact description useContext jurisdiction immutable purpose copyright compose expansion',
  VerificationResult:
    'id meta implicitRules language text contained extension modifierExtension target targetLocation need status! statusDate validationType validationProcess frequency lastPerformed nextScheduled failureAction primarySource attestation validator',
  VisionPrescription:
    'id meta implicitRules language text contained extension modifierExtension identifier status! created! patient! encounter dateWritten! prescriber! lensSpecification!',
}
