import net from 'node:net'

export interface CountingRelay {
  address: string
  /** The number of connections since the last call. */
  taken(): number
  close(): Promise<void>
}

/** Relays TCP connections to an address, and counts them: a handshake with the edge is one. */
export async function startCountingRelay(to: string): Promise<CountingRelay> {
  const [host, port] = [to.slice(0, to.lastIndexOf(':')), Number(to.slice(to.lastIndexOf(':') + 1))]
  const sockets = new Set<net.Socket>()
  let count = 0
  const server = net.createServer((near) => {
    count++
    const far = net.connect({host, port})
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far)
    far.pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    taken: () => {
      const taken = count
      count = 0
      return taken
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => {
          resolve()
        })
      }),
  }
}
