import net, {type AddressInfo} from 'node:net'
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import type {JsonObject} from '../../src/lib/core/json.js'
import type {Action} from '../faults/faulty-api.js'
import {CommandWorld} from '../support/command-harness.js'
import {everything} from '../support/edit-world.js'
import {againstSchema} from '../support/json-schemas.js'
import {SetupScene} from '../support/setup-scene.js'

const HOST = 'build-ssh.widgetcorp.tech'
const SET_UP = ['setup', HOST, '--yes', '--json']
const REMOVE = ['setup', HOST, '--remove', '--yes', '--json']
/** Every how many of the requests fail. With 1, all of them: run that by hand after a change of the steps. */
const STEP = 11

const FAULTS: Record<string, Action> = {
  'is forbidden (403)': {do: 'refuse', status: 403},
  // Of a server on the way: Cloudflare itself is believed where it says that an object is gone.
  'finds nothing (404)': {
    do: 'lie',
    deliveries: 0,
    tell: () => ({status: 404, headers: {'content-type': 'text/html'}, body: '<p>404'}),
  },
  'meets a conflict (409)': {do: 'refuse', status: 409},
  'comes too often (429)': {do: 'rate-limit', retryAfter: 100_000},
  'meets an error (500)': {do: 'refuse', status: 500},
  'is cut off': {do: 'reset'},
  'loses its answer': {do: 'lose-answer'},
  'gets half of its answer': {do: 'truncate'},
  "gets a gateway's error": {do: 'bad-gateway'},
  'gets no JSON': {do: 'garbage'},
}
const KINDS = Object.keys(FAULTS)

const server = net.createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-test\r\n'))
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const {port} = server.address() as AddressInfo
const scene = new SetupScene(await CommandWorld.open({originOf: () => `127.0.0.1:${port}`}))
const {zt} = scene

/** What is in the account, without IDs. */
function made(): JsonObject {
  return {
    account: everything(zt.state, {ids: false})
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
      .replaceAll(/[0-9a-f]{64}/g, '<aud>'),
    tokens: zt.state.data.serviceTokens.map(({object: {name, enabled}}) => [name, enabled]),
  }
}

/** How many requests an undisturbed run makes. */
async function requestsOf(line: string[]): Promise<number> {
  const before = zt.api.requests.length
  const {exitCode, stdout, stderr} = await zt.run(line)
  expect(exitCode, stdout + stderr).toBe(0)
  return zt.api.requests.length - before
}
await scene.reset()
await zt.json('token create which-makes-the-vault')
const ofSetup = await requestsOf(SET_UP)
const undisturbed = made()
const ofRemoval = await requestsOf(REMOVE)

let before: JsonObject
beforeAll(() => {
  expect(Math.min(ofSetup, ofRemoval)).toBeGreaterThan(15)
})
beforeEach(async () => {
  await scene.reset()
  await zt.json('token create which-makes-the-vault')
  before = await scene.everything()
})
afterAll(async () => {
  await zt.end()
  server.close()
})

/** Each STEPth request, with a kind of fault each: of that request alone, or of it and all that follow. */
function casesOf(requests: number): {at: number; kind: string; until: string}[] {
  return Array.from({length: requests}, (_, at) => at + 1)
    .filter((at) => at % STEP === 0)
    .map((at, n) => {
      const kind = KINDS[(n + at) % KINDS.length] ?? ''
      return {at, kind, until: n % 2 === 0 ? 'like all that follow' : 'alone'}
    })
}

/** Runs a line whose `at`th request fails. It says why, in one document, and never that zt made a mistake. */
async function disturbed(line: string[], {at, kind, until}: ReturnType<typeof casesOf>[0]): Promise<void> {
  const action = FAULTS[kind]
  if (!action) throw new Error(`no fault ${kind}`)
  const own = until === 'alone' ? {times: 1} : {}
  zt.api.spoil({method: '*', path: '*', action, from: at, ...own})
  const {exitCode, stdout, stderr} = await zt.run(line)
  zt.api.reset()
  expect(zt.state.data.serviceTokens.filter(({object}) => object['name'] === HOST).length).toBeLessThan(2)
  // Some requests are sent again, and nothing is to be said.
  againstSchema(exitCode === 0 || exitCode === 9 && !stdout.includes('"error"') ? 'setup' : 'error', JSON.parse(stdout) as JsonObject) // prettier-ignore
  expect(exitCode, stdout + stderr).not.toBe(1)
}

const ended = async (line: string[]): Promise<void> => {
  const {exitCode, stdout, stderr} = await zt.run(line)
  expect(exitCode, stdout + stderr).toBe(0)
}

describe('a setup of which a request', () => {
  it.each(casesOf(ofSetup))('$kind (request $at, $until) ends the same when it is run again', async (one) => {
    await disturbed(SET_UP, one)
    await ended(SET_UP)
    expect(made()).toEqual(undisturbed)
    await ended(REMOVE)
    expect(await scene.everything()).toEqual(before)
  })

  it.each(casesOf(ofSetup + 3))('$kind (request $at, $until) is taken back whole', async (one) => {
    await disturbed(SET_UP, one)
    await ended(REMOVE)
    expect(await scene.everything()).toEqual(before)
  })
})

describe('a removal of which a request', () => {
  it.each(casesOf(ofRemoval))(
    '$kind (request $at, $until) ends the same when it is run again',
    async (one) => {
      await ended(SET_UP)
      await disturbed(REMOVE, one)
      await ended(REMOVE)
      expect(await scene.everything()).toEqual(before)
    },
  )
})
