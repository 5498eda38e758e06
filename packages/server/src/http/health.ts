import { jsonAnswer } from './answer.ts'
import type { Route } from './route.ts'

/** `GET /healthz`: the process answers. Says nothing about the data. */
export function healthRoutes(): readonly Route[] {
  const health = async () => jsonAnswer(200, { status: 'ok' })
  return [{ path: '/healthz', methods: { GET: health, HEAD: health }, isPublic: true }]
}
