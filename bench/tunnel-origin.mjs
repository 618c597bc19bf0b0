// The server behind the edge while the tunnel is measured. It greets as an SSH server, then does what the first line
// says: `down N` sends N bytes, `up N` reads N bytes and answers `ok`. The client ends the connection, after its process
// was examined. Prints its port.
import net from 'node:net'

const block = Buffer.alloc(64 * 1024, 'zt')

const server = net.createServer((socket) => {
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
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
    if (missing <= 0) {
      missing = Infinity
      line = ''
      socket.write('ok\n')
    }
  })
})

function send(socket, left) {
  while (left > 0) {
    const part = block.subarray(0, Math.min(left, block.length))
    left -= part.length
    if (!socket.write(part) && left > 0) return socket.once('drain', () => send(socket, left))
  }
}

server.listen(0, '127.0.0.1', () => console.log(server.address().port))
