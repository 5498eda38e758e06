// A bare file server, for machines without nginx. Prints its URL.
import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'

const [path] = process.argv.slice(2)
const CHUNK_BYTES = 1024 * 1024

const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-length': statSync(path).size })
  createReadStream(path, { highWaterMark: CHUNK_BYTES }).pipe(response)
})
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`)
})
