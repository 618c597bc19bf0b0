// The tunnel under real ssh: throughput each way, and how long a second connection takes.
import {execFileSync, spawn, spawnSync} from 'node:child_process'
import {once} from 'node:events'
import {closeSync, existsSync, openSync} from 'node:fs'
import {copyFile, mkdir, readFile, writeFile} from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {alternate, freePort, startWarmups, zt} from './support.mjs'
import {connectOnce, edgeOptions, EXECUTABLE, OURS, proxiesOf, SSH_HOST} from './tunnel-scene.mjs'

export const SHARED = 'zt ssh'
export const NOT_SHARED = 'zt ssh --no-share'
/** Without an edge and a proxy. */
export const DIRECT = 'ssh alone'
/** A part of sshd, which starts no shell. */
const SUBSYSTEM = 'nothing'

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
    Subsystem: `${SUBSYSTEM} internal-sftp`,
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
  // A file: no one reads a pipe while this process waits for a client, and sshd would wait once it is full.
  const log = openSync(at('log'), 'w')
  const child = spawn(file, ['-D', '-e', '-f', at('config')], {env, stdio: ['ignore', 'ignore', log]})
  closeSync(log)
  const ended = once(child, 'exit').then(async ([code]) => {
    throw new Error(`sshd ended with ${code}: ${(await readFile(at('log'), 'utf8')).trim()}`)
  })
  ended.catch(() => undefined)
  while (!(await readFile(at('log'), 'utf8')).includes('Server listening'))
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20))])
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

/** MiB per second of each client under ssh, and of ssh itself. */
export async function sshThroughput(scene, sshd, peers, {rounds, mib}) {
  const bytes = mib * 1024 * 1024
  const ssh = (more, proxy, host, variables) => ({
    words: [
      'ssh',
      ...sshd.options,
      ...more,
      ...(proxy ? ['-o', `ProxyCommand=${quote(proxy)}`] : []),
      `${sshd.user}@${host}`,
    ],
    more: variables,
  })
  const clients = {[DIRECT]: ssh(['-p', String(sshd.port)], undefined, '127.0.0.1', {})}
  for (const [name, proxy] of Object.entries(proxiesOf(peers))) {
    const {words, more} = proxy(scene, SSH_HOST)
    clients[name] = ssh([], words, SSH_HOST, more)
  }
  const run = (command, task) =>
    alternate(
      Object.fromEntries(
        Object.entries(clients).map(([name, {words, more}]) => [
          name,
          () => {
            const client = {words: [...words, command], more}
            return mib / connectOnce(scene, client, {greeting: 'r\n'.length, ...task}).seconds
          },
        ]),
      ),
      rounds,
    )
  return {
    sshUp: await run(`echo r; head -c ${bytes} > /dev/null; echo s`, {send: bytes, receive: 's\n'.length}),
    // It waits for a word: no data may arrive before the clock starts.
    sshDown: await run(`echo r; read go; head -c ${bytes} /dev/zero`, {say: 'go\n', receive: bytes}),
  }
}

/**
 * Milliseconds of a whole ssh to the host after a first one, which runs `true` in a login shell (`second`) or a subsystem
 * of sshd itself, which ends with its input (`session`); and whether zt left a connection open for it.
 */
export async function secondConnection(scene, sshd, peers, rounds) {
  const where = `${sshd.user}@${SSH_HOST}`
  const ours =
    (...more) =>
    (options, ...command) => [
      ...[
        process.execPath,
        zt,
        'ssh',
        where,
        ...edgeOptions(scene),
        ...more,
        '--',
        ...sshd.options,
        ...options,
      ],
      ...command,
    ]
  const clients = {[SHARED]: [ours(), scene.pair], [NOT_SHARED]: [ours('--no-share'), scene.pair]}
  // zt's proxy runs there only under `zt ssh`, which has its own rows.
  const {[OURS]: _, [EXECUTABLE]: __, ...others} = proxiesOf(peers)
  for (const [name, proxy] of Object.entries(others)) {
    const {words, more} = proxy(scene, SSH_HOST)
    const proxied = ['ssh', ...sshd.options, '-o', `ProxyCommand=${quote(words)}`]
    clients[name] = [(options, ...command) => [...proxied, ...options, where, ...command], more]
  }
  const run = ([line, more], ...words) => {
    const [file, ...args] = line(...words)
    // The ssh that stays in the background must not hold a pipe open.
    return spawnSync(file, args, {
      env: {...scene.env, ...more},
      cwd: scene.home,
      stdio: 'ignore',
      timeout: 60_000,
    })
  }
  const timed = (...words) =>
    alternate(
      Object.fromEntries(
        Object.entries(clients).map(([name, client]) => [
          name,
          () => {
            const started = performance.now()
            const {status} = run(client, ...words)
            if (status !== 0) throw new Error(`${name} ended with ${status}`)
            return performance.now() - started
          },
        ]),
      ),
      rounds,
      startWarmups(rounds),
    )
  try {
    const samples = {second: await timed([], 'true'), session: await timed(['-s'], SUBSYSTEM)}
    return {shares: run(clients[SHARED], ['-O', 'check']).status === 0, samples}
  } finally {
    run(clients[SHARED], ['-O', 'exit'])
  }
}
