// Uses the assertions 0 to 9 in the directory given, prints the answers, and dies without closing.
import { SqliteAccessStore } from '@flatfhir/store-sqlite'

const { replays } = await SqliteAccessStore.open({ directory: process.argv[2] })
const expiresAt = new Date('2026-03-01T00:05:00Z')
const now = new Date('2026-03-01T00:00:00Z')
const answers = []
for (let jti = 0; jti < 10; jti += 1) {
  answers.push(await replays.useOnce({ issuer: 'a', jti: String(jti), expiresAt }, now))
}
process.stdout.write(JSON.stringify(answers), () => {
  process.kill(process.pid, 'SIGKILL')
})
