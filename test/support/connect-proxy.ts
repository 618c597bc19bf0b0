import net, {type AddressInfo} from 'node:net'

export interface ConnectProxy {
  port: number
  /** The heads of the received requests. */
  requests: string[]
  /** The bytes that passed through it to the other side. */
  through: string
  close(): Promise<void>
}

/**
 * An HTTP proxy that supports CONNECT, and connects to one port of this machine, whatever host it is asked for.
 *
 * @param answer sent instead of making the connection
 */
export async function startConnectProxy(to: number, answer?: string): Promise<ConnectProxy> {
  const sockets = new Set<net.Socket>()
  const keep = (socket: net.Socket): void => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  }
  const server = net.createServer((socket) => {
    keep(socket)
    socket.once('data', (head) => {
      proxy.requests.push(head.toString('latin1'))
      if (answer !== undefined) {
        socket.end(answer)
        return
      }
      const behind = net.connect(to, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
        socket.on('data', (data) => (proxy.through += data.toString('latin1')))
        socket.pipe(behind).pipe(socket)
      })
      keep(behind)
      behind.once('close', () => socket.destroy())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy: ConnectProxy = {
    port: (server.address() as AddressInfo).port,
    requests: [],
    through: '',
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => {
          resolve()
        })
      }),
  }
  return proxy
}
