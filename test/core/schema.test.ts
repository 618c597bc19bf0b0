import * as v from 'valibot'
import {expect, it} from 'vitest'
import {firstFault} from '../../src/lib/core/schema.js'

const SECRET = 'cfast_secret'
const whole = v.pipe(v.number(), v.integer(), v.minValue(0))

it.each<[string, v.GenericSchema, unknown, string]>([
  ['a fraction in place of a whole number', v.object({a: whole}), {a: 0.5}, 'a should be a whole number'],
  ['a number that is too small', v.object({a: whole}), {a: -1}, 'a should be >=0'],
  ['another type', v.object({a: v.object({b: v.string()})}), {a: {b: 1}}, 'a.b should be string'],
  ['no value', v.object({a: v.string()}), {}, 'a is missing'],
  ['an unknown key', v.strictObject({a: v.string()}), {a: 'x', b: SECRET}, 'b is not allowed here'],
  ['what a check says', v.object({a: v.pipe(v.string(), v.check((one) => one === '', 'a country code'))}), {a: SECRET}, 'a should be a country code'],
  ['a check that says nothing', v.object({a: v.pipe(v.string(), v.check((one) => one === ''))}), {a: SECRET}, 'a is not valid'],
  ['what a custom schema says', v.object({a: v.custom(() => false, 'the name of a store')}), {a: SECRET}, 'a should be the name of a store'],
  ['one of several', v.picklist(['x', 'y']), SECRET, 'the top level should be ("x" | "y")'],
])('names %s, and never quotes the value', (_, schema, value, said) => {
  const {issues} = v.safeParse(schema, value)
  expect(issues && firstFault(issues)).toBe(said)
}) // prettier-ignore
