/* A worker thread that offers functions of every kind; JavaScript, because threads load it as is. */
import { RequestInvalidError } from '@flatfhir/protocol'
import { serveWorker, transferred } from '../../dist/worker-rpc.js'

serveWorker(async ({ refuse }) => {
  if (refuse === 'own') throw new RequestInvalidError('value', 'Refused', { nextStep: 'Go on.' })
  if (refuse === 'foreign') throw new Error('quotes Smith, John')
  let closed = 0
  return {
    handlers: {
      add: (a, b) => a + b,
      addLater: async (a, b) => a + b,
      size: (bytes) => bytes.length,
      make: (size) => {
        const bytes = new Uint8Array(size).fill(7)
        return transferred({ bytes }, [bytes.buffer])
      },
      date: (date) => date,
      throwOwn: () => {
        throw new RequestInvalidError('not-found', 'No such thing', { nextStep: 'Look elsewhere.' })
      },
      throwForeign: () => {
        throw Object.assign(new Error('quotes Smith, John'), { code: 'EIO' })
      },
      throwProgrammer: () => {
        throw new RangeError('Too far')
      },
      exit: () => process.exit(3),
      crash: () =>
        new Promise(() => {
          setImmediate(() => {
            throw new Error('quotes Smith, John')
          })
        }),
    },
    close: () => {
      closed += 1
      if (closed > 1) throw new Error('closed twice')
    },
  }
})
