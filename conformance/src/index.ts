export type { CheckEvent } from './checker/check-event.ts'
export { CHECK_IDS, type CheckId } from './checker/check-id.ts'
export {
  DEFAULT_CHECK_LIMITS,
  type CheckLimits,
  type CheckLogin,
  type CheckOptions,
  type CheckTokenSource,
} from './checker/check-options.ts'
export { checkProvider } from './checker/check-provider.ts'
export type { CheckOutcome, CheckReport, CheckResult, Finding } from './checker/check-report.ts'
export { CheckOptionsInvalidError, CheckProviderUnreachableError } from './checker/errors.ts'
export { CHECK_FORMATS, renderReport, type CheckFormat } from './render/render-report.ts'
export { renderHtml } from './render/render-html.ts'
export { renderJson } from './render/render-json.ts'
export { renderJunit } from './render/render-junit.ts'
export { renderTerminal, type RenderTerminalOptions } from './render/render-terminal.ts'
export { bulkData, smart, stu1, stu3, stu4 } from './requirements/ids.ts'
export type {
  Requirement,
  RequirementEdition,
  Requirements,
  Strength,
} from './requirements/requirement.ts'
export { requirementOf, REQUIREMENTS } from './requirements/requirements.ts'
