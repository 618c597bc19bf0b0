/**
 * The server of the manual's pages about git, rsync and Ansible: an SSH server that admits everyone and runs commands in
 * one directory, which is `/` for the paths that the pages name. It is behind the sandbox's edge, in place of its own:
 * `node ssh-server.mjs DIRECTORY HOST` prints what `zt sandbox start --origin` takes when it listens, and puts its key
 * into `~/.ssh/known_hosts`.
 */
import {spawn} from 'node:child_process'
import {generateKeyPairSync} from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import ssh2 from 'ssh2'

const [directory, host] = process.argv.slice(2)
const root = path.resolve(directory)
const {privateKey} = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: {type: 'pkcs1', format: 'pem'},
  privateKeyEncoding: {type: 'pkcs1', format: 'pem'},
})
const key = ssh2.utils.parseKey(privateKey)
const knownHosts = path.join(os.userInfo().homedir, '.ssh', 'known_hosts')
fs.mkdirSync(path.dirname(knownHosts), {recursive: true, mode: 0o700})
fs.appendFileSync(knownHosts, `${host} ${key.type} ${key.getPublicSSH().toString('base64')}\n`, {mode: 0o600})

const ssh = new ssh2.Server({hostKeys: [privateKey]}, (client) => {
  client.on('authentication', (context) => context.accept())
  client.on('session', (accept) => {
    const session = accept()
    session.on('env', (acceptEnv) => acceptEnv?.())
    session.on('exec', (acceptExec, _, {command}) => {
      const stream = acceptExec()
      const here = command.replaceAll(/(^|[\s'"=])\/(group|srv)\//g, `$1${root}/$2/`)
      const child = spawn('sh', ['-c', here], {cwd: root})
      stream.pipe(child.stdin)
      child.stdin.on('error', () => undefined)
      child.stdout.pipe(stream, {end: false})
      child.stderr.pipe(stream.stderr, {end: false})
      child.once('close', (code) => {
        stream.exit(code ?? 255)
        stream.end()
      })
    })
  })
  client.on('error', () => client.end())
})
const server = net
  .createServer((socket) => ssh.injectSocket(socket))
  .listen(0, '127.0.0.1', () => {
    console.log(`${host}=127.0.0.1:${server.address().port}`)
  })
