import fs from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {Keychain} from '../../src/lib/secrets/keychain/keychain.js'
import {listAccounts, probeSecretService} from '../../src/lib/secrets/keychain/probe.js'
import {decodeBody, decodeMessage, encodeCall} from '../../src/lib/secrets/keychain/wire.js'
import {FakeBus, reply} from '../support/fake-bus.js'

const target = {name: 'a.b', path: '/a', interface: 'a.b.C'}

describe('a method call', () => {
  it.each([
    [[], ''],
    [['x'], 's'],
    [['', 'ü 🔐'], 'ss'],
    [[{}], 'a{ss}'],
    [[{service: 'zt'}], 'a{ss}'],
    [['x', {a: '', ü: 'y'.repeat(70)}, 'z'], 'sa{ss}s'],
  ])('carries %j as %s, and is read back as it was', (args, signature) => {
    const bytes = encodeCall(7, target, 'Do', args)
    const message = decodeMessage(bytes)
    expect(message).toMatchObject({length: bytes.length, signature, error: undefined})
    const expected = args.map((arg) => (typeof arg === 'string' ? arg : new Map(Object.entries(arg))))
    expect(message && decodeBody(message)).toEqual(expected)
  })

  it('carries any strings', () => {
    const strings = fc.array(fc.oneof(fc.string({unit: 'binary'}), fc.dictionary(fc.string(), fc.string())), {
      maxLength: 5,
    })
    fc.assert(
      fc.property(strings, (args) => {
        const message = decodeMessage(encodeCall(1, target, 'Do', args))
        const clean = (text: string): string => Buffer.from(text).toString()
        const expected = args.map((arg) =>
          typeof arg === 'string'
            ? clean(arg)
            : new Map(Object.entries(arg).map(([key, value]) => [clean(key), clean(value)])),
        )
        expect(message && decodeBody(message)).toEqual(expected)
      }),
    )
  })
})

describe('an answer', () => {
  // Made by hand from the specification, little endian.
  it.each([
    ['s', [3, 0, 0, 0, 0x61, 0x62, 0x63, 0], ['abc']],
    ['b', [1, 0, 0, 0], [true]],
    ['vu', [1, 0x62, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0], [false, 9]],
    ['ao', [0, 0, 0, 0], [[]]],
    ['as', [12, 0, 0, 0, 1, 0, 0, 0, 0x61, 0, 0, 0, 0, 0, 0, 0, 0], undefined],
    ['as', [13, 0, 0, 0, 1, 0, 0, 0, 0x61, 0, 0, 0, 0, 0, 0, 0, 0], [['a', '']]],
    ['a{ss}', [0, 0, 0, 0, 0, 0, 0, 0], [new Map()]],
    ['yt', [5, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0], [5, 513]],
    ['s', [255, 255, 255, 255, 0x61, 0], undefined],
    ['as', [255, 255, 255, 127], undefined],
    ['v', [1, 0x76, 0, 1, 0x76, 0], undefined],
    ['v', [0, 0], undefined],
    ['a', [0, 0, 0, 0], undefined],
    ['a{s', [0, 0, 0, 0], undefined],
    ['(ss)', [0, 0, 0, 0], undefined],
    ['s', [], undefined],
  ] as [string, number[], unknown[] | undefined][])(
    'of type %s and bytes %j is %j',
    (signature, bytes, values) => {
      const read = (): unknown[] => decodeBody({signature, body: Buffer.from(bytes)})
      if (values) expect(read()).toEqual(values)
      else expect(read).toThrow(Error)
    },
  )

  it('of any bytes is a message, not yet one, or an error, and never a hang', () => {
    const signature = fc.oneof(
      fc.constantFrom('s', 'as', 'a{ss}', 'v', 'aoao', 'aav'),
      fc.string({maxLength: 6}),
    )
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 200}), signature, (bytes, type) => {
        for (const attempt of [
          () => decodeMessage(Buffer.from(bytes)),
          () => decodeMessage(Buffer.concat([Buffer.from([0x6c, 2, 0, 1, 8, 0, 0, 0]), Buffer.from(bytes)])),
          () => decodeBody({signature: type, body: Buffer.from(bytes)}),
        ]) {
          try {
            attempt()
          } catch (error) {
            expect(error).toBeInstanceOf(Error)
            expect(error).not.toBeInstanceOf(TypeError)
          }
        }
      }),
      {numRuns: 2000},
    )
  })
})

describe('a bus', () => {
  let folder: string
  let server: net.Server | undefined
  let bus: FakeBus | undefined

  beforeEach(async () => {
    folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-bus-'))
  })
  afterEach(async () => {
    server?.close()
    await bus?.end()
    await fs.rm(folder, {recursive: true})
  })

  const environment = (): {dbusAddress: string} => ({dbusAddress: `unix:path=${path.join(folder, 'bus')}`})

  async function listen(onSocket: (socket: net.Socket) => void): Promise<void> {
    server = net.createServer((socket) => {
      socket.on('error', () => undefined)
      onSocket(socket)
    })
    await new Promise<void>((resolve) => server?.listen(path.join(folder, 'bus'), resolve))
  }

  const greeting = 'OK 0123456789abcdef0123456789abcdef\r\n'
  const header = (...bytes: number[]): Buffer => Buffer.from([0x6c, 2, 0, 1, ...bytes])
  const hostile: [string, (socket: net.Socket) => void][] = [
    ['says nothing', () => undefined],
    ['closes at once', (socket) => socket.destroy()],
    ['refuses', (socket) => socket.end('REJECTED EXTERNAL\r\n')],
    ['speaks without end and without a line', (socket) => socket.write('x'.repeat(100_000))],
    ['speaks big endian', (socket) => socket.write(`${greeting}B${'\0'.repeat(60)}`)],
    ['sends noise', (socket) => socket.write(greeting + '\u0001\u0002junk'.repeat(50))],
    [
      'announces a message of 4 GiB',
      (socket) =>
        socket.write(
          Buffer.concat([Buffer.from(greeting), header(255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0)]),
        ),
    ],
    [
      'announces header fields of 4 GiB',
      (socket) =>
        socket.write(
          Buffer.concat([Buffer.from(greeting), header(0, 0, 0, 0, 1, 0, 0, 0, 255, 255, 255, 255)]),
        ),
    ],
    [
      'sends half a message',
      (socket) =>
        socket.write(Buffer.concat([Buffer.from(greeting), header(9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1)])),
    ],
    [
      'sends header fields that do not fit',
      (socket) =>
        socket.write(
          Buffer.concat([
            Buffer.from(greeting),
            header(0, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 5, 1, 0x73, 0, 0, 0, 0, 0),
          ]),
        ),
    ],
  ]
  it.each(hostile)('that %s is not ready, within the deadline', async (_, behave) => {
    await listen(behave)
    const status = await probeSecretService(environment(), 300)
    expect(['absent', 'broken']).toContain(status.state)
    expect(status.why).toBeDefined()
    expect(await listAccounts(environment(), 'zt', 300)).toHaveProperty('unusable')
  })

  it.each(['tcp:host=localhost', 'unix:', 'unix:path=%zz', 'x', 'unix:path=/nowhere/at/all'])(
    'at the address %j is absent',
    async (dbusAddress) => {
      expect(await probeSecretService({dbusAddress})).toMatchObject({state: 'absent'})
    },
  )

  const collection = (name: string): string => `/org/freedesktop/secrets/collection/${name}`
  const usual =
    (alias: string, session = collection('session')) =>
    (member: string, args: unknown[]) => {
      if (member === 'Hello') return reply('s', ':1.1')
      if (member === 'NameHasOwner') return reply('b', true)
      if (member === 'ReadAlias') return reply('o', args[0] === 'default' ? alias : session)
      if (member === 'Get') return reply('v', args[1] === 'Locked' ? {b: false} : undefined)
      return undefined
    }

  it.each([
    [collection('login'), collection('session'), 'ready', undefined],
    [collection('session'), collection('session'), 'broken', /volatile/],
    [collection('other'), collection('other'), 'broken', /volatile/],
    ['/', '/', 'broken', /no default keyring/],
  ])('whose default keyring is %s, and the session one %s, is %s', async (alias, session, state, why) => {
    bus = await FakeBus.start(path.join(folder, 'bus'), usual(alias, session))
    const status = await probeSecretService(environment())
    expect(status.state).toBe(state)
    if (why) expect(status.why).toMatch(why)
    const failure = await new Keychain({
      environment: environment(),
      child: {command: [process.execPath, '-e', '']},
    })
      .has({
        kind: 'service-token',
        id: 'x',
      })
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({code: state === 'ready' ? 'KEYCHAIN_FAILED' : 'STORE_NOT_READY'})
  })

  it('lists the accounts of the service alone, and leaves out what is deleted meanwhile', async () => {
    const items: Record<string, Record<string, string> | undefined> = {
      '/1': {service: 'zt', account: 'service-token/a'},
      '/2': {service: 'other', account: 'service-token/b'},
      '/3': undefined,
      '/4': {service: 'zt', account: 'something/else'},
      '/5': {service: 'zt'},
      '/6': {service: 'zt', account: 'api-token/default'},
    }
    bus = await FakeBus.start(path.join(folder, 'bus'), (member, args, where) => {
      if (member === 'SearchItems') {
        expect(args).toEqual([new Map([['service', 'zt']])])
        return reply('aoao', ['/1', '/2', '/3'], ['/4', '/5', '/6', '/1'])
      }
      const attributes = items[where]
      if (member === 'Get' && where in items)
        return attributes ? reply('v', {'a{ss}': attributes}) : 'org.freedesktop.Secret.Error.NoSuchObject'
      return usual(collection('login'))(member, args)
    })
    const keychain = new Keychain({environment: environment()})
    expect(await keychain.list()).toEqual([
      {kind: 'api-token', id: 'default'},
      {kind: 'service-token', id: 'a'},
    ])
    expect(await new Keychain({environment: environment(), platform: 'darwin'}).list()).toBeUndefined()
  })
})
