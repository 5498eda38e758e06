import type { AuditLog } from '@flatfhir/server'

export async function withAuditLog<T>(
  data: string,
  work: (log: AuditLog) => Promise<T>,
): Promise<T> {
  return work({ record: async () => undefined, [Symbol.asyncDispose]: async () => undefined } as never)
}
