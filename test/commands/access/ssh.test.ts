import {once} from 'node:events'
import net, {type AddressInfo} from 'node:net'
import {afterAll, beforeAll, beforeEach, describe, expect, it, vi} from 'vitest'
import AccessSsh from '../../../src/commands/access/ssh.js'
import type {UserError} from '../../../src/lib/core/errors.js'
import {endedBare} from '../../../src/lib/tunnel/carrier/carry-errors.js'
import {readTunnelLine} from '../../../src/lib/tunnel/access/line.js'
import {commandTests, type CommandEnd} from '../../support/command-harness.js'
import {againstSchema} from '../../support/json-schemas.js'

// The process that carries the connection takes this one's own stdin: test/e2e runs it. Here it is what it is given.
const main = vi.fn(async (_argv: string[]) => 0)
vi.doMock('../../../src/lib/tunnel/proxy/main.js', () => ({main}))

const HOST = 'gitlab.widgetcorp.tech'
const SECRET = 'cfast_Hj4gLf6aEu5pDq7nWk3vYt9sXb2mZc8rTq1oVd0eRi5wKs7b'
const echo = net.createServer((socket) => socket.on('error', () => undefined).pipe(socket))
const echoPort = (): number => (echo.address() as AddressInfo).port
const scene = commandTests('access ssh', {originOf: () => `tcp://127.0.0.1:${echoPort()}`})

beforeAll(() => new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve)))
afterAll(() => echo.close())
beforeEach(async () => {
  main.mockClear()
  await scene.zt.json('token create deploy')
  await scene.zt.json('app add-rule GitLab --service-auth --token deploy')
})

describe('without an address to listen on', () => {
  it('hands its words to the process that carries the connection, and ends as that ends', async () => {
    main.mockResolvedValueOnce(10)
    const {exitCode, stdout, stderr} = await scene.zt.run([
      ...'access ssh -T https://gitlab.widgetcorp.tech --destination 10.0.0.1:22 --connect-to 127.0.0.1:8443'.split(
        ' ',
      ),
      ...['-H', 'X-Client: build', '--log-level', 'debug', '--token', 'ci', '--yes', '--ca-file', '/ca.pem'],
    ])
    expect(main).toHaveBeenLastCalledWith([
      HOST,
      '--destination=10.0.0.1:22',
      '--header=X-Client: build',
      '--connect-to=127.0.0.1:8443',
      ...['--token=ci', '--yes', '--ca-file=/ca.pem'],
    ])
    expect({exitCode, stdout, stderr}).toEqual({exitCode: 10, stdout: '', stderr: ''})
  })

  it('takes the variables of cloudflared', async () => {
    await scene.zt.run('access ssh', {
      env: {TUNNEL_SERVICE_HOSTNAME: HOST, TUNNEL_SERVICE_DESTINATION: 'db:22'},
    })
    expect(main).toHaveBeenLastCalledWith([HOST, '--destination=db:22'])
  })

  it('says once what has no effect, and not in JSON', async () => {
    const line = `access ssh -T ${HOST} --logfile log --log-directory logs --debug-stream 10`
    expect((await scene.zt.run(line)).stderr.match(/^note: .*no effect$/gm)).toHaveLength(3)
    expect(await scene.zt.run(`${line} --json`)).toMatchObject({stdout: '', stderr: ''})
    expect(main).toHaveBeenLastCalledWith([HOST, '--json'])
  })

  it('fails where the command line is wrong', async () => {
    const {zt} = scene
    await zt.fails('access ssh', 'usage', 'BAD_COMMAND_LINE')
    await zt.fails(`access ssh -T ${HOST} --metrics x`, 'usage', 'BAD_COMMAND_LINE')
    await zt.fails(`access ssh -T ${HOST}/path`, 'usage', 'BAD_HOSTNAME')
    expect(main).not.toHaveBeenCalled()
  })

  it('takes no credentials from the command line, and repeats none', async () => {
    const {zt} = scene
    const line = `access ssh --hostname ${HOST} --id a.access --secret ${SECRET}`
    const error = await zt.fails(line, 'usage', 'CREDENTIALS_ON_COMMAND_LINE')
    expect(error.next[0]).toMatch(/TUNNEL_SERVICE_TOKEN_ID.*TUNNEL_SERVICE_TOKEN_SECRET/)
    expect(JSON.stringify(error)).not.toMatch(/cfast|a\.access/)
    expect(main).not.toHaveBeenCalled()
  })
})

describe('with an address to listen on', () => {
  /** Runs the command until `use` has used its port. */
  async function listening(words: string, use: (port: number) => Promise<unknown>): Promise<CommandEnd> {
    return scene.zt.run(`access ssh ${words}`, {
      onOutput: (line) => {
        const port = Number(/"port":(\d+)/.exec(line)?.[1] ?? /:(\d+)/.exec(line)?.[1])
        void use(port).finally(() => process.emit('SIGTERM'))
      },
    })
  }

  async function said(port: number, text: string): Promise<string> {
    const socket = net.connect(port, '127.0.0.1')
    socket.write(text)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return answer.toString()
  }

  it.each([
    ['--url tcp://localhost:0'],
    ['-L 127.0.0.1:0'],
    ['--listener localhost:0 --expose'],
    ['localhost:0'],
  ])('carries TCP until it is interrupted: %s', async (url) => {
    let answer: string | undefined
    const {exitCode, stdout} = await listening(`-T ${HOST} ${url} --json`, async (port) => {
      answer = await said(port, 'hello')
    })
    expect({exitCode, answer}).toEqual({exitCode: 0, answer: 'hello'})
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => againstSchema('access ssh', JSON.parse(line) as never))
    expect(events).toMatchObject([{event: 'listening'}, {event: 'ended', served: 1}])
  })

  it('says for people where it listens', async () => {
    const {stdout} = await listening(`-T ${HOST} --url localhost:0`, async () => undefined)
    expect(stdout).toMatch(new RegExp(`127\\.0\\.0\\.1:\\d+ .*${HOST}`))
  })

  it('lets no other machine use the token unasked', async () => {
    await scene.zt.fails(`access ssh -T ${HOST} --url 0.0.0.0:0`, 'usage', 'LISTEN_EXPOSED')
    await scene.zt.fails(`access ssh -T ${HOST} --url nowhere`, 'usage', 'BAD_LISTEN')
  })

  it('checks headers and the destination before it listens', async () => {
    const {zt} = scene
    const line = ['access', 'ssh', '-T', HOST, '-L', '0']
    // Otherwise it would wait for an interruption.
    const options = {onOutput: () => process.emit('SIGTERM')}
    await zt.fails([...line, '-H', 'Host: x'], 'usage', 'BAD_HEADER', options)
    await zt.fails([...line, '--destination', 'a b'], 'usage', 'BAD_DESTINATION', options)
  })
})

it('prints what zt ssh proxy and zt forward print with --json', () => {
  const document = {note: {...endedBare()}}
  expect(againstSchema('access ssh', document)).toBe(document)
})

it('has in its help what it reads, and nothing else', () => {
  const named = Object.entries(AccessSsh.flags).flatMap(([name, flag]) => {
    const {aliases = [], char} = flag as {aliases?: string[]; char?: string}
    return [name, ...aliases, ...(char === undefined ? [] : [char])]
  })
  for (const name of named) {
    // It says that the option has no such value, or nothing; not that there is none.
    expect(whyNot(['-T', HOST, `--${name}=true`]), name).not.toContain('The options are')
  }
  const [, listed = ''] = /The options are (.*)\.$/.exec(whyNot(['--nothing'])) ?? []
  const globals = ['profile', 'account', 'json', 'fields', 'jq', 'no-input'].map((name) => `--${name}`)
  const flags = Object.keys(AccessSsh.flags).map((name) => `--${name}`)
  expect(listed.split(', ').sort()).toEqual([...flags, ...globals].sort())
})

function whyNot(words: string[]): string {
  try {
    readTunnelLine(words, {})
    return ''
  } catch (error) {
    return (error as UserError).why ?? ''
  }
}
