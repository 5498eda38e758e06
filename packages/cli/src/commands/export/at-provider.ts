import { RequestRejectedError } from '@flatfhir/client'
import { LoginNeededError } from '../../login/errors.ts'
import type { Login } from '../../login/login.ts'

/** Runs what talks to the provider; a 401 to somebody without a login is told as what it is. */
export async function atProvider<Result>(
  login: Login,
  step: () => Promise<Result>,
): Promise<Result> {
  try {
    return await step()
  } catch (error) {
    throw explainedRefusal(login, error)
  }
}

/** A 401 to somebody without a login, as what it is; every other error as it was. */
export function explainedRefusal<E>(login: Login, error: E): E | LoginNeededError {
  const isRefused = error instanceof RequestRejectedError && error.status === 401
  return isRefused && login.accessToken === undefined ? new LoginNeededError() : error
}
