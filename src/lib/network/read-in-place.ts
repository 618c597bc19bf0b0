import type net from 'node:net'

/** How a socket reads into memory that is used again for each piece. */
export interface InPlace {
  /** For the socket's options. */
  onread: net.OnReadOpts
  /** Names the socket, once it exists. */
  into(socket: net.Socket): void
}

/**
 * Reads into the same memory each time: with new memory for each piece, node frees it late, and fast transfers fill it.
 * A listener of `data` must be done with a piece when it returns. While none listens, the stream keeps copies.
 *
 * @param memory for one socket; TLS sockets can share it, as they fill it and pass it on in one go
 */
export function readInPlace(memory: Buffer): InPlace {
  let socket: net.Socket | undefined
  return {
    onread: {
      buffer: memory,
      callback: (length, {buffer, byteOffset}) => {
        if (!socket) return false
        const piece = Buffer.from(buffer, byteOffset, length)
        // What the stream has kept comes first.
        if (socket.readableFlowing !== true || socket.readableLength > 0)
          return socket.push(Buffer.from(piece))
        socket.emit('data', piece)
        return !socket.isPaused()
      },
    },
    into: (one) => (socket = one),
  }
}
