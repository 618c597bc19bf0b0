import {execFileSync, spawn} from 'node:child_process'
import {randomBytes} from 'node:crypto'
import fs from 'node:fs/promises'
import http from 'node:http'
import net, {type AddressInfo} from 'node:net'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {WebSocket} from 'ws'
import {findProgram} from '../../src/lib/system/programs.js'
import {bin} from '../support/built-zt.js'
import {sha256, tcpHost, UseWorld, webHost} from '../support/use-world.js'

const MIB = 1024 * 1024
const web = `https://${webHost}`
const hasCurl = findProgram('curl', process.env) !== undefined
if (!hasCurl) process.stderr.write('SKIPPED: there is no curl; .ci/run installs it\n')

let world: UseWorld

beforeAll(async () => {
  world = await UseWorld.make(randomBytes(64 * MIB))
})
afterAll(async () => {
  await world.end()
})

/** Runs zt with bytes instead of text. */
function bytes(
  args: string[],
  input: Buffer,
): Promise<{code: number | null; stdout: Buffer; stderr: string}> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], {env: world.zt.env, cwd: world.zt.home})
    const chunks: Buffer[] = []
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    child.once('error', reject)
    child.once('close', (code) => {
      resolve({code, stdout: Buffer.concat(chunks), stderr})
    })
  })
}

describe('zt exec', () => {
  it.each([0, 1, 3, 42, 255])('ends with the status %i of its child', async (status) => {
    expect(await world.zt.run(['exec', 'user', '--', 'sh', '-c', `exit ${status}`])).toMatchObject({
      code: status,
      stdout: '',
      stderr: '',
    })
  })

  it.each<[words: string[], code: number, error: string]>([
    [['no-such-program'], 127, 'COMMAND_NOT_FOUND'],
    [['./no/such/file'], 127, 'COMMAND_NOT_FOUND'],
    [['/etc/passwd'], 126, 'COMMAND_NOT_EXECUTABLE'],
    [['/etc'], 126, 'COMMAND_NOT_EXECUTABLE'],
    [[], 2, 'NO_COMMAND'],
  ])('%j ends with %i as in a shell', async (words, code, error) => {
    const end = await world.zt.run(['exec', 'user', '--json', '--', ...words])
    expect(end).toMatchObject({code, stdout: ''})
    expect(JSON.parse(end.stderr)).toMatchObject({error: {code: error, exitCode: code}})
  })

  it('ends with 128 + 9 when its child is killed', async () => {
    expect((await world.zt.run(['exec', 'user', '--', 'sh', '-c', 'kill -9 $$'])).code).toBe(137)
  })

  it('gives the pair under the names that were asked for, and stdin and stdout as they are', async () => {
    const input = randomBytes(MIB)
    const echo = await bytes(['exec', 'user', '--', 'cat'], input)
    expect(sha256(echo.stdout)).toBe(sha256(input))
    const [secret] = world.secrets
    const command = ['--id-var', 'AN_ID', '--secret-var', 'A_SECRET', '--', 'sh', '-c']
    const end = await world.zt.run(
      [
        ...['exec', 'user', ...command],
        'test "$A_SECRET" = "$(cat)" && test -n "$AN_ID" && test -z "$CF_ACCESS_CLIENT_SECRET" && exit 7',
      ],
      {input: secret ?? ''},
    )
    expect(end).toMatchObject({code: 7, stderr: ''})
  })

  it.skipIf(process.platform !== 'linux')('passes the descriptors above 2 that it was started with', () => {
    const command = 'cat <&3; cat "$1"; ls -l /proc/self/fd | grep anon_inode; true'
    const script = `exec "$@" sh -c '${command}' sh <(echo second) 3< <(echo first)`
    const words = ['-c', script, 'bash', process.execPath, bin, 'exec', 'user', '--']
    const {env, home: cwd} = world.zt
    expect(execFileSync('bash', words, {env, cwd, encoding: 'utf8'})).toBe('first\nsecond\n')
  })

  it.each([
    ...(['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const),
    ...(['SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT', 'SIGALRM'] as const),
  ])('passes %s on to its child', async (signal) => {
    const script = `trap 'echo got; exit 9' ${signal.slice(3)}; echo ready; while :; do sleep 0.05; done`
    const end = await world.zt.run(['exec', 'user', '--', 'sh', '-c', script], {
      onStart: (child) => child.stdout?.once('data', () => child.kill(signal)),
    })
    expect(end).toMatchObject({code: 9, stdout: 'ready\ngot\n'})
  })

  it.skipIf(process.platform !== 'linux')('does not stop at SIGTSTP if its child does not', async () => {
    const script = "trap 'echo got; exit 9' TSTP; echo ready; while :; do sleep 0.05; done"
    const end = await world.zt.run(['exec', 'user', '--', 'sh', '-c', script], {
      onStart: (child) => child.stdout?.once('data', () => child.kill('SIGTSTP')),
    })
    expect(end).toMatchObject({code: 9, stdout: 'ready\ngot\n'})
  })
})

describe.skipIf(!hasCurl)('zt curl', () => {
  it('shows and keeps no session of Access, where curl alone would', async () => {
    const [jar, heads] = [path.join(world.zt.home, 'jar'), path.join(world.zt.home, 'heads')]
    const end = await world.zt.run(['curl', `${web}/x`, '--', '-sic', jar, '-D', heads])
    expect(end).toMatchObject({code: 0, stderr: ''})
    expect(end.stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)+\r\n/)
    expect(await fs.readFile(jar, 'utf8')).toContain('Netscape HTTP Cookie File')
    const all = end.stdout + (await fs.readFile(jar, 'utf8')) + (await fs.readFile(heads, 'utf8'))
    expect(all).not.toContain('CF_Authorization')
  })

  it('leaves stdout to curl, byte for byte', async () => {
    const end = await bytes(['curl', `${web}/big`, '--', '-sS'], Buffer.alloc(0))
    expect(end).toMatchObject({code: 0, stderr: ''})
    expect(sha256(end.stdout)).toBe(sha256(world.big))
  })

  it.each([
    ['--data-binary', '@-'],
    ['-T', '-'],
  ])('%s %s sends stdin, byte for byte', async (...option) => {
    const data = randomBytes(8 * MIB)
    const end = await bytes(['curl', `${web}/up`, '--', '-sS', ...option], data)
    expect(end).toMatchObject({code: 0, stderr: ''})
    expect(JSON.parse(end.stdout.toString())).toMatchObject({size: data.length, sha256: sha256(data)})
  })

  it.each<[words: string[], code: number, stdout: string]>([
    [[`${web}/missing`, '--', '-sf'], 22, ''],
    [[`${web}/missing`, '--', '-s', '-w', '%{http_code}'], 0, 'nothing here\n404'],
    [[`${web}/x`, '--connect-to', '127.0.0.1:1', '--', '-s'], 7, ''],
    [[`${web}/away`, '--', '-s', '-w', '%{redirect_url}'], 0, 'the stranger'],
    [[`${web}/within`, '--', '-s'], 0, ''],
  ])('%j ends with %i as curl does', async (words, code, stdout) => {
    const end = await world.zt.run(['curl', ...words])
    expect(end).toMatchObject({code, stdout: stdout.replace('the stranger', world.stranger.url)})
  })

  it('follows no redirect, whatever .curlrc says, and takes nothing else from it', async () => {
    const file = path.join(world.zt.home, '.curlrc')
    await fs.writeFile(file, 'location\nuser-agent = "from curlrc"\nproxy = "http://127.0.0.1:1"\n')
    const before = world.stranger.asked.length
    const end = await world.zt.run(['curl', `${web}/away`, '--', '-s'], {env: {CURL_HOME: world.zt.home}})
    await fs.rm(file)
    expect(end).toMatchObject({code: 0, stdout: ''})
    expect(end.stderr).toContain('does not follow the redirect')
    expect(world.stranger.asked.length).toBe(before)
    expect(world.asked.at(-1)?.headers).not.toContain('from curlrc')
  })

  it('ends with 10 and the reason when Access says no', async () => {
    const end = await world.zt.run(['curl', `${web}/x`, '--token', 'stranger', '--yes', '--', '-s'])
    expect(end.code).toBe(10)
    expect(end.stderr).toContain('No Service Auth rule admits the service token "stranger"')
    expect(end.stderr).toContain('zt app add-rule Web --service-auth --token stranger')
  })

  it('says so where the answer may be the service\u2019s own', async () => {
    const end = await world.zt.run(['curl', `${web}/forbidden`, '--', '-s'])
    expect(end).toMatchObject({code: 10, stdout: 'says the service\n'})
    expect(end.stderr).toContain('or the service behind it refused the request')
  })

  it('sends nothing to a host that is not bound', async () => {
    const end = await world.zt.run(['curl', 'https://elsewhere.widgetcorp.tech/', '--json', '--', '-s'])
    expect(end).toMatchObject({code: 5, stdout: ''})
  })

  it('shows the secret to no proxy, and in no command line, environment or file', async () => {
    let toProxy = ''
    let seen = ''
    let files: string[] | undefined
    const proxy = net.createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', (chunk) => {
        toProxy += chunk.toString()
        void (async () => {
          seen += await processTexts()
          const run = path.join(world.zt.home, 'STATE', 'zt', 'run')
          files = await fs.readdir(run)
          socket.end('HTTP/1.1 502 no\r\n\r\n')
        })()
      })
    })
    proxy.listen(0, '127.0.0.1')
    await new Promise((resolve) => proxy.once('listening', resolve))
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const end = await world.zt.run(['curl', `${web}/x`, '--', '-s', '-x', url, '-d', '@-'], {input: 'x'})
    proxy.close()
    expect(end.code).not.toBe(0)
    expect(toProxy).toMatch(/^CONNECT /)
    expect(seen).toContain('--globoff --proto =https')
    // The pipe is removed as soon as curl has opened it.
    expect(files).toEqual([])
    for (const secret of world.secrets)
      for (const text of [toProxy, seen, end.stderr]) expect(text).not.toContain(secret)
  })
})

describe('zt forward', () => {
  it('carries TCP for 50 connections at once, and says on which port', async () => {
    const forward = await world.forward([tcpHost])
    expect(forward.lines[0]).toMatchObject({event: 'listening', address: '127.0.0.1', host: tcpHost})
    const echoes = await Promise.all(
      Array.from({length: 50}, async (_, at) => {
        const data = randomBytes(64 * 1024 + at)
        return sha256(await exchange(forward.port, data)) === sha256(data)
      }),
    )
    expect(echoes).toEqual(Array.from({length: 50}, () => true))
    expect(await forward.stop()).toBe(0)
    expect(forward.lines.at(-1)).toMatchObject({event: 'ended', served: 50})
  })

  it('carries 64 MiB both ways byte for byte, to a client that reads late', async () => {
    const forward = await world.forward([tcpHost])
    const echoed = await exchange(forward.port, world.big, 300)
    expect(sha256(echoed)).toBe(sha256(world.big))
    expect(await forward.stop('SIGINT')).toBe(0)
  })

  it('resets a connection that Access refuses, and says why once', async () => {
    const forward = await world.forward([tcpHost, '--token', 'stranger', '--yes'])
    for (let nth = 0; nth < 3; nth++) await expect(exchange(forward.port, Buffer.from('x'))).rejects.toThrow()
    await expect.poll(() => forward.lines.length).toBeGreaterThan(1)
    await forward.stop()
    const errors = forward.lines.filter((line) => 'error' in line)
    expect(errors).toHaveLength(1)
    expect(JSON.stringify(errors)).toContain('No Service Auth rule admits')
  })

  it('closes what is open when it is asked to end', async () => {
    const forward = await world.forward([tcpHost])
    const client = net.connect(forward.port, '127.0.0.1')
    client.write('x')
    await new Promise((resolve) => client.once('data', resolve))
    const closed = new Promise((resolve) => client.once('close', resolve))
    client.on('error', () => undefined)
    client.resume()
    expect(await forward.stop()).toBe(0)
    await closed
  })

  it('says when something else listens there', async () => {
    const forward = await world.forward([tcpHost])
    const end = await world.zt.run(['forward', tcpHost, '--listen', String(forward.port), '--json'])
    await forward.stop()
    expect(end.code).toBe(7)
    expect(JSON.parse(end.stdout)).toMatchObject({error: {code: 'CANNOT_LISTEN'}})
  })

  describe('--http', () => {
    it('serves requests and bodies of any size, with the token and without what the client says of it', async () => {
      const forward = await world.forward([webHost, '--http'])
      const data = randomBytes(16 * MIB)
      const up = await ask(
        forward.port,
        {method: 'POST', path: '/up?q', headers: {'CF-Access-Client-Id': 'x'}},
        data,
      )
      expect(JSON.parse(up.body.toString())).toMatchObject({
        size: data.length,
        sha256: sha256(data),
        url: '/up?q',
      })
      const down = await ask(forward.port, {path: '/big'})
      expect(sha256(down.body)).toBe(sha256(world.big))
      expect(world.asked.at(-1)?.headers).toContain(`host\n${webHost}`)
      expect(await forward.stop()).toBe(0)
    })

    it('sends no one else the secret: a redirect elsewhere is the client\u2019s, one within stays at the listener', async () => {
      const forward = await world.forward([webHost, '--http'])
      const away = await ask(forward.port, {path: '/away'})
      expect(away).toMatchObject({status: 302, headers: {location: world.stranger.url}})
      await fetch(`http://localhost:${forward.port}/away`)
      expect(world.stranger.asked.length).toBeGreaterThan(0)
      for (const {headers} of world.stranger.asked) {
        expect(headers).not.toContain('cf-access')
        for (const secret of world.secrets) expect(headers).not.toContain(secret.toLowerCase())
      }
      const within = await ask(forward.port, {path: '/within'})
      expect(within.headers.location).toBe(`http://127.0.0.1:${forward.port}/x`)
      const cookies = await ask(forward.port, {path: '/cookies'})
      expect(cookies.headers['set-cookie']).toEqual(['a=b'])
      await forward.stop()
    })

    it.each([
      [{Host: 'evil.example'}],
      [{Origin: 'https://evil.example'}],
      [{'Sec-Fetch-Site': 'cross-site'}],
    ])('refuses a request with %j, which never gets out', async (headers) => {
      const forward = await world.forward([webHost, '--http'])
      const before = world.asked.length
      expect((await ask(forward.port, {path: '/x', headers})).status).toBe(403)
      expect(world.asked.length).toBe(before)
      await forward.stop()
    })

    it('answers 502 with the reason when Access says no', async () => {
      const forward = await world.forward([webHost, '--http', '--token', 'stranger', '--yes'])
      const {status, body} = await ask(forward.port, {path: '/x'})
      await forward.stop()
      expect(status).toBe(502)
      expect(body.toString()).toContain('No Service Auth rule admits the service token "stranger"')
      expect(JSON.stringify(forward.lines)).toContain('ACCESS_REFUSED')
    })

    it('passes on what the service itself answers', async () => {
      const forward = await world.forward([webHost, '--http'])
      const {status, body} = await ask(forward.port, {path: '/forbidden'})
      await forward.stop()
      expect([status, body.toString()]).toEqual([403, 'says the service\n'])
    })

    it('passes WebSockets, from its own pages only', async () => {
      const forward = await world.forward([tcpHost, '--http'])
      const socket = new WebSocket(`ws://127.0.0.1:${forward.port}/`)
      await new Promise((resolve, reject) => {
        socket.once('open', resolve)
        socket.once('error', reject)
      })
      const echoed = new Promise<Buffer>((resolve) => {
        socket.once('message', resolve)
      })
      socket.send(Buffer.from('through the edge'))
      expect((await echoed).toString()).toBe('through the edge')
      const bad = new WebSocket(`ws://127.0.0.1:${forward.port}/`, {origin: 'https://evil.example'})
      const error = await new Promise<Error>((resolve) => {
        bad.once('error', resolve)
      })
      expect(error.message).toContain('403')
      expect(await forward.stop()).toBe(0)
    })
  })
})

function exchange(port: number, data: Buffer, lateMs = 0): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const socket = net.connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('close', () => {
      reject(new Error('closed early'))
    })
    socket.write(data)
    setTimeout(() => {
      socket.on('data', (chunk) => {
        chunks.push(chunk)
        size += chunk.length
        if (size < data.length) return
        resolve(Buffer.concat(chunks))
        socket.destroy()
      })
    }, lateMs)
  })
}

function ask(
  port: number,
  options: http.RequestOptions,
  body?: Buffer,
): Promise<{status: number | undefined; headers: http.IncomingHttpHeaders; body: Buffer}> {
  return new Promise((resolve, reject) => {
    const request = http.request({...options, host: '127.0.0.1', port, agent: false}, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.once('error', reject)
      answer.once('end', () => {
        resolve({status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks)})
      })
    })
    request.once('error', reject)
    request.end(body)
  })
}

/** The command line and environment of every process that this user can inspect. */
async function processTexts(): Promise<string> {
  if (process.platform !== 'linux') return execFileSync('ps', ['-axEww']).toString()
  const pids = (await fs.readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const files = pids.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`])
  const texts = await Promise.all(files.map((file) => fs.readFile(file, 'utf8').catch(() => '')))
  return texts.join('\n').replaceAll('\0', ' ')
}
