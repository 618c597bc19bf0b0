// The tunnel under real ssh: throughput each way, and how long a second connection takes.
import {execFileSync, spawn, spawnSync} from 'node:child_process'
import {existsSync} from 'node:fs'
import {copyFile, mkdir, readFile, writeFile} from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {alternate, START_WARMUPS, zt} from './support.mjs'
import {fill, OURS, PLAIN, program, proxiesOf, read, SSH_HOST} from './tunnel-scene.mjs'

export const SHARED = 'zt ssh'
export const NOT_SHARED = 'zt ssh --no-share'

/** A real sshd for this user and one key; undefined if there is none. */
export async function startSshd(env, home) {
  const file = [process.env.ZT_TEST_SSHD, '/usr/sbin/sshd'].find((one) => one && existsSync(one))
  if (file === undefined || spawnSync('ssh', ['-V']).error) return undefined
  const directory = path.join(home, 'sshd')
  const at = (name) => path.join(directory, name)
  await mkdir(directory, {mode: 0o700})
  for (const key of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', key, '-f', at(key)], {env})
  await copyFile(at('user.pub'), at('authorized_keys'))
  const port = await freePort()
  const settings = {
    ListenAddress: '127.0.0.1',
    Port: port,
    HostKey: at('host'),
    AuthorizedKeysFile: at('authorized_keys'),
    PidFile: 'none',
    PasswordAuthentication: 'no',
    KbdInteractiveAuthentication: 'no',
    PermitRootLogin: 'prohibit-password',
    UsePAM: 'no',
    // The keys are below a directory that everyone can write to.
    StrictModes: 'no',
  }
  await writeFile(
    at('config'),
    Object.entries(settings)
      .map((pair) => `${pair.join(' ')}\n`)
      .join(''),
  )
  await writeFile(at('known_hosts'), `sshd-of-the-bench ${await readFile(at('host.pub'), 'utf8')}`)
  const child = spawn(file, ['-D', '-e', '-f', at('config')], {env, stdio: ['ignore', 'ignore', 'pipe']})
  await new Promise((resolve, reject) => {
    let log = ''
    child.stderr.on('data', (chunk) => {
      log += chunk
      if (log.includes('Server listening')) resolve()
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`sshd ended with ${code}: ${log.trim()}`)))
  })
  return {
    port,
    user: os.userInfo().username,
    options: [
      ...['-F', 'none', '-i', at('user'), '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
      ...['-o', `GlobalKnownHostsFile=${at('known_hosts')}`, '-o', 'HostKeyAlias=sshd-of-the-bench'],
      ...['-o', 'UserKnownHostsFile=none', '-c', 'aes128-gcm@openssh.com'],
    ],
    stop: () => child.kill(),
  }
}

const quote = (words) => words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')

/** MiB per second of each client under ssh. */
export async function sshThroughput(scene, sshd, peers, {rounds, mib}) {
  const bytes = mib * 1024 * 1024
  const ssh = (more, proxy, host, variables) =>
    (command) =>
      program(
        scene,
        ['ssh', ...sshd.options, ...more, ...(proxy ? ['-o', `ProxyCommand=${quote(proxy)}`] : []), `${sshd.user}@${host}`, command],
        variables,
      ) // prettier-ignore
  const clients = {[PLAIN]: ssh(['-p', String(sshd.port)], undefined, '127.0.0.1', {})}
  for (const [name, proxy] of Object.entries(proxiesOf(peers))) {
    const {words, more} = proxy(scene, SSH_HOST)
    clients[name] = ssh([], words, SSH_HOST, more)
  }
  const run = (command, transfer) =>
    alternate(
      Object.fromEntries(
        Object.entries(clients).map(([name, client]) => [
          name,
          async () => {
            const connection = client(command)()
            try {
              await read(connection, 'r\n'.length)
              const started = performance.now()
              await transfer(connection)
              return mib / ((performance.now() - started) / 1000)
            } finally {
              await connection.close()
            }
          },
        ]),
      ),
      rounds,
    )
  return {
    up: await run(`echo r; head -c ${bytes} > /dev/null; echo s`, async (connection) => {
      await Promise.all([fill(connection.input, bytes), read(connection, 's\n'.length)])
    }),
    // It waits for a word: no data may arrive before the clock starts.
    down: await run(`echo r; read go; head -c ${bytes} /dev/zero`, async (connection) => {
      connection.input.write('go\n')
      await read(connection, bytes)
    }),
  }
}

/** Milliseconds of `ssh HOST true` after a first one, and whether zt left a connection open for it. */
export async function secondConnection(scene, sshd, peers, rounds) {
  const where = `${sshd.user}@${SSH_HOST}`
  const edge = ['--token', 'env', '--yes', '--connect-to', scene.address, '--ca-file', scene.caFile]
  const ours = (...more) => [process.execPath, zt, 'ssh', where, ...edge, ...more, '--', ...sshd.options]
  const clients = {[SHARED]: [ours(), scene.pair], [NOT_SHARED]: [ours('--no-share'), scene.pair]}
  // zt's proxy runs there only under `zt ssh`, which has its own rows.
  const {[OURS]: _, ...others} = proxiesOf(peers)
  for (const [name, proxy] of Object.entries(others)) {
    const {words, more} = proxy(scene, SSH_HOST)
    clients[name] = [['ssh', ...sshd.options, '-o', `ProxyCommand=${quote(words)}`, where], more]
  }
  const run = ([[file, ...args], more], ...command) =>
    spawnSync(file, [...args, ...command], {
      env: {...scene.env, ...more},
      cwd: scene.home,
      // The ssh that stays in the background must not hold a pipe open.
      stdio: 'ignore',
      timeout: 30_000,
    })
  try {
    const samples = await alternate(
      Object.fromEntries(
        Object.entries(clients).map(([name, client]) => [
          name,
          () => {
            const started = performance.now()
            const {status} = run(client, 'true')
            if (status !== 0) throw new Error(`${name} ended with ${status}`)
            return performance.now() - started
          },
        ]),
      ),
      rounds,
      START_WARMUPS,
    )
    return {shares: run(clients[SHARED], '-O', 'check').status === 0, samples}
  } finally {
    run(clients[SHARED], '-O', 'exit')
  }
}
