// A provider with a finished export of files that lie elsewhere: it costs nothing, and does nothing
// but answer. Prints its FHIR base URL. Arguments: a folder of NDJSON, and the URL that serves it.
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'

const [folder, filesUrl] = process.argv.slice(2)
const output = readdirSync(folder)
  .filter((name) => name.endsWith('.ndjson'))
  .map((name) => ({ type: name.slice(0, name.indexOf('.')), url: new URL(name, filesUrl).href }))

const server = createServer((request, response) => {
  const { pathname, origin } = new URL(request.url, `http://${request.headers.host}`)
  if (request.method === 'DELETE') {
    response.writeHead(202).end()
  } else if (pathname === '/fhir/$export') {
    response.writeHead(202, { 'content-location': `${origin}/status` }).end()
  } else if (pathname === '/status') {
    const transactionTime = '2026-01-01T00:00:00Z'
    const manifest = { transactionTime, request: `${origin}/fhir/$export`, output, error: [] }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ ...manifest, requiresAccessToken: false }))
  } else {
    response.writeHead(404).end()
  }
})
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/fhir`)
})
