import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {X509Certificate} from 'node:crypto'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {clockOffset} from '../../src/lib/sandbox/moved-clock.js'
import {startSandbox} from '../../src/lib/sandbox/server.js'
import {SandboxState} from '../../src/lib/sandbox/state.js'

const DAY = 24 * 3600_000
const NOW = Date.UTC(2026, 10, 28, 12)
const SECRET = 'secret'

let directory: string
beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-clock-'))
})
afterAll(() => fs.rm(directory, {recursive: true, force: true}))

const open = (more: object = {}): Promise<SandboxState> =>
  SandboxState.open({file: path.join(directory, 'state.json'), clock: {now: () => NOW}, ...more})

describe("the sandbox's clock", () => {
  it.each([
    ['0s', 0],
    ['90d', 90 * DAY],
    ['+90d', 90 * DAY],
    ['-12h', -DAY / 2],
    ['5m', 300_000],
    ['2w', 14 * DAY],
    ['3650d', 3650 * DAY],
    ['3651d', undefined],
    ['999999999w', undefined],
    ['90', undefined],
    ['d', undefined],
    ['1d12h', undefined],
    ['--1d', undefined],
    [' 1d', undefined],
    ['1y', undefined],
    ['1e3s', undefined],
  ])('takes %j for %s milliseconds', (text, ms) => {
    expect(clockOffset(text)).toBe(ms)
  })

  it('is moved by a seed, which begins then', async () => {
    const state = await open({seed: {settings: {clock: '-90d'}, service_tokens: [{name: 'ci'}]}})
    expect(state.clock.now()).toBe(NOW - 90 * DAY)
    expect(state.data.serviceTokens[0]?.object['created_at']).toBe(
      new Date(NOW - 90 * DAY).toISOString().replace('.000', ''),
    )
    expect((await open()).clock.now()).toBe(NOW - 90 * DAY)
  })

  it('ends service tokens and sessions, forwards and backwards', async () => {
    const state = await open({
      seed: {service_tokens: [{id: 'ci', client_id: 'ci.access', client_secret: SECRET, duration: '24h'}]},
    })
    const accepted = (): string | undefined => state.edgeView().authenticate('ci.access', SECRET)
    expect(accepted()).toBe('ci')
    await state.change({clock: '23h'})
    expect(accepted()).toBe('ci')
    await state.change({clock: '24h'})
    expect(accepted()).toBeUndefined()
    expect(state.edgeView().now).toBe(NOW + DAY)
    await state.change({clock: '-1d'})
    expect(accepted()).toBe('ci')
    state.data.organization['strict_service_token_auth'] = true
    await state.save()
    expect(state.edgeView().strict).toBe(true)
  })

  it('shows the edge a change after its delay when it is moved there', async () => {
    const state = await open({seed: {settings: {enforcement_delay_ms: 60_000}}})
    state.data.apps = []
    await state.save()
    expect(state.edgeView().applications.length).toBe(0)
    state.data.apps = [{id: 'app', name: 'App', type: 'self_hosted', domain: 'a.example', policies: []}]
    await state.save()
    expect(state.edgeView().applications.length).toBe(0)
    state.data.settings = {...state.data.settings, clock: '1m'}
    expect(state.edgeView().applications.length).toBe(1)
  })
})

describe('PATCH /sandbox/settings', () => {
  it('changes settings of a sandbox that runs; the certificates stay those of this day', async () => {
    const seed = {
      api_tokens: [
        {token: 'reader', owner: 'user', permission_groups: ['Account Analytics Read']},
        {token: 'disabled', owner: 'user', status: 'disabled'},
      ],
    }
    const now = Date.now()
    const folder = await fs.mkdtemp(path.join(directory, 'server-'))
    const {info, close} = await startSandbox({directory: folder, seed, origins: {}, clock: {now: () => now}})
    const ask = async (
      body: unknown,
      {method = 'PATCH', token = info.apiToken, at = '/sandbox/settings'} = {},
    ): Promise<[status: number, date: string | null, result: {now: string; settings: object} | null]> => {
      const answer = await fetch(new URL(at, info.apiUrl), {
        method,
        headers: {authorization: `Bearer ${token}`},
        ...(method !== 'GET' && {body: JSON.stringify(body)}),
      })
      const {result} = (await answer.json()) as {result: {now: string; settings: object} | null}
      return [answer.status, answer.headers.get('date'), result]
    }
    const later = now + 400 * DAY
    expect(await ask({clock: '400d'})).toEqual([
      200,
      new Date(later).toUTCString(),
      {now: new Date(later).toISOString(), settings: {clock: '400d'}},
    ])
    expect((await ask({analytics_sampling: 5, clock: '-1h'}))[2]?.settings).toEqual({
      clock: '-1h',
      analytics_sampling: 5,
    })
    const refused = async (...asked: Parameters<typeof ask>): Promise<number> => (await ask(...asked))[0]
    expect(await refused({clock: 'tomorrow'})).toBe(400)
    expect(await refused({clocks: '1d'})).toBe(400)
    expect(await refused([])).toBe(400)
    expect(await refused(undefined)).toBe(400)
    expect(await refused({clock: '1d'}, {token: 'reader'})).toBe(403)
    expect(await refused({clock: '1d'}, {token: 'disabled'})).toBe(403)
    expect(await refused({clock: '1d'}, {token: 'unknown'})).toBe(403)
    expect(await refused({}, {method: 'GET'})).toBe(405)
    // It is not part of Cloudflare's API.
    expect(await refused({clock: '1d'}, {at: '/client/v4/sandbox/settings'})).toBe(404)
    expect((await ask({}))[2]?.settings).toEqual({clock: '-1h', analytics_sampling: 5})
    const {validFrom, validTo} = new X509Certificate(await fs.readFile(info.caFile))
    expect([Date.parse(validFrom) < now, Date.parse(validTo) > now + 300 * DAY]).toEqual([true, true])
    await close()
    const again = await SandboxState.open({file: path.join(folder, 'state.json'), clock: {now: () => now}})
    expect(again.clock.now()).toBe(now - 3600_000)
  })
})
