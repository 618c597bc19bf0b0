import {expect, it} from 'vitest'
import {planInWords} from '../../../src/lib/command/present/plan.js'

const LIMIT = {requests: 1200, seconds: 300}

it.each([
  [1100, 330, 'It takes about 6 min'],
  [101, 45, 'It takes about 45 s'],
  [10_000, 3000, 'It takes about 50 min'],
  [1_000_000, 300_000, 'It takes about 84 h'],
])('says how long %s requests take', (requests, seconds, words) => {
  const needs = `This needs about ${requests.toLocaleString('en')} requests; the API allows 1,200 in 5 min, all programs of the user together`
  expect(planInWords({requests, seconds, limit: LIMIT, waits: true})).toBe(`${needs}. ${words}`)
})
