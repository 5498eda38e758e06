// A server that does nothing but flush 4 KiB to the disk before it answers: no kick-off that is
// written down durably can be faster. Prints its URL.
import { open } from 'node:fs/promises'
import { createServer } from 'node:http'

const file = await open(process.argv[2], 'w')
const page = Buffer.alloc(4096, 1)

const server = createServer((_request, response) => {
  void file
    .write(page)
    .then(() => file.datasync())
    .then(() => response.writeHead(202).end())
})
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`)
})
