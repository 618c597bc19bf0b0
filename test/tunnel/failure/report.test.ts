import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {UserError} from '../../../src/lib/core/errors.js'
import {readReport, writeReport} from '../../../src/lib/tunnel/failure/report.js'

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
})
