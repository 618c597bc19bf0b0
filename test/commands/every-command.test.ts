import {existsSync} from 'node:fs'
import path from 'node:path'
import {expect, it} from 'vitest'
import {ASKABLE} from '../../src/lib/access/rules/input.js'
import {memberInputOf, ruleInputOf} from '../../src/lib/command/rule-flags.js'
import {COMMANDS} from '../support/command-harness.js'
import {schemaOf, SCHEMAS} from '../support/json-schemas.js'

/** Schemas that belong to no one command. */
const SHARED = ['definitions', 'error']

it('has a test for each command', () => {
  const without = [...COMMANDS.keys()].filter(
    (id) => !existsSync(path.join(import.meta.dirname, `${id.replace(' ', '/')}.test.ts`)),
  )
  expect(without).toEqual([])
})

it('has a schema for the JSON of each command, and none without a command', () => {
  const commands = [...COMMANDS.keys()].map(schemaOf)
  expect([...SCHEMAS.keys()].filter((name) => !SHARED.includes(name)).sort()).toEqual(commands.sort())
})

it('describes each field of each schema', () => {
  const without = [...SCHEMAS].flatMap(([name, schema]) => undescribed(schema, name))
  expect(without).toEqual([])
})

it.each(ASKABLE)(
  'reads the flags for $selector into their parts of a rule',
  ({selector, value, member, ...row}) => {
    const given = value === undefined ? true : ['x']
    const asked = {[selector]: given === true ? [''] : given}
    const nothing = {include: {}, require: {}, exclude: {}}
    for (const part of ['include', 'require', 'exclude'] as const) {
      const flag = row[part]?.[0]
      if (flag !== undefined) expect(ruleInputOf({[flag]: given})).toEqual({...nothing, [part]: asked})
    }
    if (member !== undefined) expect(memberInputOf({[member]: given})).toEqual({...nothing, include: asked})
  },
)

/** Places of properties that say nothing about themselves. */
function undescribed(schema: unknown, at: string): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([key, value]) => {
    if (key !== 'properties') return undescribed(value, `${at}/${key}`)
    return Object.entries(value as Record<string, Record<string, unknown>>).flatMap(([name, one]) => {
      const place = `${at}/${name}`
      const said = '$ref' in one || 'const' in one || typeof one['description'] === 'string'
      return [...(said ? [] : [place]), ...undescribed(one, place)]
    })
  })
}
