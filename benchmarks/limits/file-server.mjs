// A bare file server, for machines without nginx. Serves the files beside the one that is given, and
// prints the URL of that one.
import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename, dirname, join } from 'node:path'

const [path] = process.argv.slice(2)
const CHUNK_BYTES = 1024 * 1024

const server = createServer((request, response) => {
  const asked = join(dirname(path), basename(request.url))
  response.writeHead(200, { 'content-length': statSync(asked).size })
  createReadStream(asked, { highWaterMark: CHUNK_BYTES }).pipe(response)
})
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/${basename(path)}`)
})
