import {execFile, spawn} from 'node:child_process'
import {existsSync} from 'node:fs'
import fs from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {promisify} from 'node:util'

const run = promisify(execFile)

/** A real sshd: the one in ZT_TEST_SSHD (CI unpacks one), or the machine's own. */
export const sshdProgram = [process.env['ZT_TEST_SSHD'], '/usr/sbin/sshd', '/usr/local/sbin/sshd'].find(
  (file) => file !== undefined && existsSync(file),
)

export interface Sshd {
  port: number
  /** Options for the client: the user's key, and the server's. */
  clientOptions: string[]
  user: string
  close(): Promise<void>
}

/** Starts sshd on a free port, for this user and one key. */
export async function startSshd(): Promise<Sshd> {
  if (sshdProgram === undefined) throw new Error('there is no sshd')
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-sshd-'))
  const at = (name: string): string => path.join(directory, name)
  for (const key of ['host', 'user'])
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', key, '-f', at(key)])
  await fs.copyFile(at('user.pub'), at('authorized_keys'))
  const port = await freePort()
  await fs.writeFile(
    at('config'),
    [
      'ListenAddress 127.0.0.1',
      `Port ${port}`,
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${at('authorized_keys')}`,
      `PidFile none`,
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'UsePAM no',
      'Subsystem sftp internal-sftp',
      // The keys are below the system's directory for temporary files, which everyone can write to.
      'StrictModes no',
    ].join('\n') + '\n',
  )
  await fs.writeFile(at('known_hosts'), `sshd-of-the-test ${await fs.readFile(at('host.pub'), 'utf8')}`)
  const child = spawn(sshdProgram, ['-D', '-e', '-f', at('config')], {stdio: ['ignore', 'ignore', 'pipe']})
  let log = ''
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve()
    })
  })
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString()
      if (log.includes('Server listening')) resolve()
    })
    child.once('error', reject)
    child.once('close', (code) => {
      reject(new Error(`sshd ended with ${code}: ${log}`))
    })
  })
  return {
    port,
    user: os.userInfo().username,
    clientOptions: [
      ...['-i', at('user'), '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
      ...['-o', `GlobalKnownHostsFile=${at('known_hosts')}`, '-o', 'HostKeyAlias=sshd-of-the-test'],
    ],
    close: async () => {
      child.kill()
      await ended
      await fs.rm(directory, {recursive: true, force: true})
    },
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const {port} = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
