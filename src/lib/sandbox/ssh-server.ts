import {generateKeyPairSync} from 'node:crypto'
import net, {type AddressInfo} from 'node:net'
import path from 'node:path'
import ssh2 from 'ssh2'
import {readFileIfThere, writeFileAtomic} from '../system/files.js'

export interface SshServer {
  /** `127.0.0.1:PORT`. */
  address: string
  /** A known_hosts line without host names. */
  publicKey: string
  close(): Promise<void>
}

const CONNECTION_LIMIT = 256
/** As OpenSSH's LoginGraceTime. */
const LOGIN_MS = 120_000
/** Per connection, over its lifetime. */
const SESSIONS = 1000

/**
 * Plays the tutorial's GitLab: admits everyone, greets them, and runs nothing. It is behind the edge, so every client
 * has passed Access.
 */
export async function startSshServer(directory: string, port = 0, loginMs = LOGIN_MS): Promise<SshServer> {
  const privateKey = await hostKey(path.join(directory, 'ssh-host-key.pem'))
  const parsed = ssh2.utils.parseKey(privateKey)
  if (parsed instanceof Error) throw parsed
  const clients = new Set<net.Socket>()
  /** By the client's port. */
  const logins = new Map<number, NodeJS.Timeout>()
  const ssh = new ssh2.Server({hostKeys: [privateKey], ident: 'GitLab-SSHD'}, (client, {port: from}) => {
    let user = ''
    let sessions = 0
    client.once('ready', () => {
      clearTimeout(logins.get(from))
    })
    client.on('authentication', (context) => {
      user = context.username
      context.accept()
    })
    client.on('session', (accept, reject) => {
      if (++sessions > SESSIONS) return void reject()
      const session = accept()
      // `accept` exists only if the client wants a reply, and returns one stream per session.
      session.on('pty', (acceptPty: (() => void) | undefined) => acceptPty?.())
      session.on('env', (acceptEnv: (() => void) | undefined) => acceptEnv?.())
      session.on('shell', (acceptShell: () => ssh2.ServerChannel | undefined) => {
        const stream = acceptShell()
        // As GitLab does: everyone connects as git and is greeted by name.
        stream?.write(`Welcome to GitLab, @${user === 'git' || user === '' ? 'gitlab-admin' : user}!\r\n`)
        stream?.exit(0)
        stream?.end()
      })
      session.on('exec', (acceptExec: () => ssh2.ServerChannel | undefined) => {
        const stream = acceptExec()
        stream?.stderr.write('remote: ERROR: Disallowed command\n')
        stream?.exit(1)
        stream?.end()
      })
    })
    client.on('error', () => client.end())
  })
  // ssh2 reports a client only after it has sent its version, which an idle one never does.
  const server = net.createServer((socket) => {
    const from = socket.remotePort ?? 0
    const late = setTimeout(() => socket.destroy(), loginMs)
    clients.add(socket)
    logins.set(from, late)
    socket.once('close', () => {
      clearTimeout(late)
      clients.delete(socket)
      if (logins.get(from) === late) logins.delete(from)
    })
    ssh.injectSocket(socket)
  })
  server.maxConnections = CONNECTION_LIMIT
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    publicKey: `${parsed.type} ${parsed.getPublicSSH().toString('base64')}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        for (const client of clients) client.destroy()
      }),
  }
}

async function hostKey(file: string): Promise<string> {
  const there = await readFileIfThere(file, {secret: true})
  // A damaged key is replaced; it protects nothing.
  if (there !== undefined && !(ssh2.utils.parseKey(there) instanceof Error)) return there
  const {privateKey} = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: {type: 'sec1', format: 'pem'},
    publicKeyEncoding: {type: 'spki', format: 'pem'},
  })
  await writeFileAtomic(file, privateKey)
  return privateKey
}
