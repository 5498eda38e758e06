import { userInfo } from 'node:os'

/** The account that runs the command; `undefined` where the system knows no name for it. */
export function operator(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}
