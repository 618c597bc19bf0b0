// The servers behind the edge while the tunnel is measured, in a process of their own. Prints their ports as JSON.
// - stream: greets as an SSH server, then does what the first line says: `down N` sends N bytes, `up N` reads N bytes and
//   answers `ok`. The client ends the connection, after its process was examined.
// - echo: sends back what it gets, and answers an HTTP request.
import {once} from 'node:events'
import net from 'node:net'

/** Large, so that few system calls are needed. */
const block = Buffer.alloc(1024 * 1024, 'zt')
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n'

function stream(socket) {
  socket.write('SSH-2.0-bench\r\n')
  let line = ''
  let missing = Infinity
  socket.on('data', (chunk) => {
    if (missing === Infinity) {
      line += chunk.toString('latin1')
      const end = line.indexOf('\n')
      if (end < 0) return
      const [what, amount] = line.slice(0, end).split(' ')
      if (what === 'down') return void send(socket, Number(amount))
      missing = Number(amount) - (line.length - end - 1)
    } else {
      missing -= chunk.length
    }
    if (missing > 0) return
    missing = Infinity
    line = ''
    socket.write('ok\n')
  })
}

function send(socket, left) {
  while (left > 0) {
    const part = block.subarray(0, Math.min(left, block.length))
    left -= part.length
    if (!socket.write(part) && left > 0) return void socket.once('drain', () => send(socket, left))
  }
}

function echo(socket) {
  let head = ''
  socket.on('data', (chunk) => {
    if (head === '' && chunk.toString('latin1', 0, 4) !== 'GET ') return void socket.write(chunk)
    head += chunk.toString('latin1')
    const requests = head.split('\r\n\r\n')
    head = requests.pop()
    socket.write(ANSWER.repeat(requests.length))
  })
}

const ports = {}
for (const serve of [stream, echo]) {
  const server = net.createServer({noDelay: true}, (socket) => {
    socket.on('error', () => socket.destroy())
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ports[serve.name] = server.address().port
}
console.log(JSON.stringify(ports))
