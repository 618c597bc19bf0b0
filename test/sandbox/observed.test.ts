import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {readObserved} from '../../src/lib/sandbox/observed.js'
import {SandboxState} from '../../src/lib/sandbox/state.js'

let directory: string
beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-observed-'))
})
afterAll(() => fs.rm(directory, {recursive: true}))

async function read(text: string): Promise<unknown> {
  const file = path.join(directory, 'observed.json')
  await fs.writeFile(file, text)
  try {
    return readObserved(file)
  } catch (error) {
    return error
  }
}

describe('a file of observed behaviour', () => {
  const REFUSED: [string, string, RegExp][] = [
    ['a setting that no account is asked for', '{"version":1,"settings":{"rate_limit":5}}', /rate_limit/],
    [
      'an unknown setting',
      '{"version": 1, "settings": {"policy_lags": 1}}',
      /settings\.policy_lags is not allowed here/,
    ],
    [
      'an invalid value',
      '{"version": 1, "settings": {"hidden_secrets": "secret"}}',
      /settings\.hidden_secrets should be/,
    ],
    ['another version', '{"version": 2, "settings": {}}', /version should be 1/],
    ['no settings', '{"version": 1}', /settings is missing/],
    ['another key', '{"version": 1, "settings": {}, "seed": {}}', /seed is not allowed here/],
    ['text that is not JSON', 'policy_lag: 1', /not valid JSON/],
    ['another kind of value', '"seed"', /the top level should be Object/],
  ]
  it.each(REFUSED)('with %s is refused, which quotes nothing of it', async (_, text, why) => {
    const error = await read(text)
    expect(error).toMatchObject({kind: 'usage', code: 'BAD_OBSERVED'})
    expect((error as {why: string}).why).toMatch(why)
    expect((error as {why: string}).why).not.toContain('"secret"')
  })

  it('that is missing is refused', () => {
    expect(() => readObserved(path.join(directory, 'none.json'))).toThrow(/cannot be used/)
  })

  it('replaces the settings of a seed and of a saved state one by one, strict authentication in the organisation too', async () => {
    const settings = (await read(
      '{"version": 1, "settings": {"policy_lag": 3, "strict_service_token_auth": true}, "answers": {"x": [null]}}',
    )) as object
    const file = path.join(directory, 'state.json')
    const seed = {settings: {policy_lag: 1, hidden_secrets: 'omit'} as const}
    const first = await SandboxState.open({file, seed, settings})
    expect(first.data.settings).toEqual({
      policy_lag: 3,
      hidden_secrets: 'omit',
      strict_service_token_auth: true,
    })
    expect(first.data.organization['strict_service_token_auth']).toBe(true)
    expect(seed.settings).toEqual({policy_lag: 1, hidden_secrets: 'omit'})
    const again = await SandboxState.open({file, settings: {strict_service_token_auth: false}})
    expect(again.data.settings).toMatchObject({policy_lag: 3, strict_service_token_auth: false})
    expect(again.edgeView().strict).toBe(false)
  })
})
