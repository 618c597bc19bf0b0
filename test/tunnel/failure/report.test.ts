import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {UserError} from '../../../src/lib/core/errors.js'
import {RefusedError} from '../../../src/lib/tunnel/failure/refusal.js'
import {errorOf, readReport, writeReport} from '../../../src/lib/tunnel/failure/report.js'
import type {EdgeAnswer} from '../../../src/lib/tunnel/types.js'

let directory: string
beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-report-'))
})
afterAll(async () => fs.rm(directory, {recursive: true}))

const names = (count: number): string => Array.from({length: count}, (_, at) => `token-${at}`).join(', ')

describe('the report of a proxy that could not connect', () => {
  it.each([
    ['a long list of names', {why: `Stored are: ${names(2000)}.`}],
    ['a long message and step', {message: 'm'.repeat(5000), next: ['n'.repeat(5000)]}],
    ['long facts', {details: {stored: names(20_000), many: Array.from({length: 20_000}, String)}}],
  ])('can be read with %s', async (what, long) => {
    const file = path.join(directory, what)
    const error = new UserError({
      kind: 'not-found',
      code: 'STORED_TOKEN_NOT_FOUND',
      message: 'Not here',
      ...long,
    })
    expect(await writeReport(file, {host: 'h', tokenId: undefined, clientId: undefined, error})).toBe(true)
    const report = await readReport(file)
    expect(report?.error).toMatchObject({kind: 'not-found', code: 'STORED_TOKEN_NOT_FOUND'})
    expect(report?.error.message.slice(0, 100)).toBe(error.message.slice(0, 100))
    expect(report?.error.why.join('').slice(0, 100)).toBe((error.why ?? '').slice(0, 100))
  })

  const refusal: EdgeAnswer = {by: 'access', status: 302, reason: 'login'}
  const reported = async (file: string, answer: EdgeAnswer): Promise<void> => {
    const error = new RefusedError('h', answer)
    expect(await writeReport(file, {host: 'h', tokenId: 'id', clientId: 'c', error})).toBe(true)
  }

  it.each(['accepted', 'not-accepted', undefined] as const)(
    'keeps what the edge said of the credentials: %s',
    async (credentials) => {
      const file = path.join(directory, `credentials-${String(credentials)}`)
      await reported(file, {...refusal, credentials})
      const report = await readReport(file)
      expect(report?.answer?.credentials).toBe(credentials)
      const error = report && errorOf(report)
      expect(error).toMatchObject({details: {credentials}})
    },
  )

  it('is read with facts of the answer that a later version knows', async () => {
    const file = path.join(directory, 'later')
    await reported(file, {...refusal, ...{later: {any: 'thing'}}})
    expect(await fs.readFile(file, 'utf8')).toContain('later')
    expect((await readReport(file))?.answer).toEqual(refusal)
  })
})
