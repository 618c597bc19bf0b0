import {readdirSync, readFileSync} from 'node:fs'
import path from 'node:path'
import {describe, expect, it} from 'vitest'
import {commands, root, topics} from '../support/manifest.js'

const {referencePages} = (await import(path.join(root, 'scripts', 'reference-pages.mjs'))) as {
  referencePages: (sources: object) => Record<string, string>
}
const folder = path.join(root, 'docs/reference/commands')
const pageOf = (id: string): string => {
  const [topic = ''] = id.split(':')
  return Object.hasOwn(topics, topic) ? topic : 'general'
}
const sectionOf = (id: string): string => {
  const text = readFileSync(path.join(folder, `${pageOf(id)}.md`), 'utf8')
  return text.split(/^## /m).find((one) => one.startsWith(`\`zt ${id.replaceAll(':', ' ')}\`\n`)) ?? ''
}

describe('the reference has every command, with', () => {
  it.each(commands.filter(({id}) => id !== 'index').map((one) => [one.id, one] as const))('%s', (id, command) => {
    const section = sectionOf(id)
    const flags = Object.values(command.flags).filter(({hidden, helpGroup}) => hidden !== true && helpGroup !== 'GLOBAL') // prettier-ignore
    const named = (name: string): boolean => new RegExp(`^\\| .*\`--(\\[no-\\])?${name}[=\`]`, 'm').test(section)
    expect(flags.map(({name}) => name).filter((name) => !named(name))).toEqual([])
    const {title, properties = {}} = schema(id)
    expect(section).toContain(`../../json/${id.replaceAll(':', '-')}.schema.json`)
    const fields = Object.keys(properties).filter((name) => name !== 'warnings')
    expect(fields.filter((name) => !section.includes(`\n| \`${name}\` |`))).toEqual([])
    expect(title).toContain(`zt ${id.replaceAll(':', ' ')}`)
  }) // prettier-ignore

  it('and no page of a command that is gone', () => {
    const pages = [...new Set(commands.map(({id}) => `${pageOf(id)}.md`)), 'index.md']
    expect(readdirSync(folder).sort()).toEqual(pages.sort())
  })
})

function schema(id: string): {title: string; properties?: object} {
  const text = readFileSync(path.join(root, 'docs/json', `${id.replaceAll(':', '-')}.schema.json`), 'utf8')
  return JSON.parse(text) as {title: string}
}

describe('what would be markup is text', () => {
  const flag = {name: 'x', type: 'option', description: 'a|b <c> d_e\nf `g|h`'}
  const pages = (schemas: object): Record<string, string> =>
    referencePages({
      commands: {a: {id: 'a', summary: 'Do <it>', args: {}, flags: {x: flag}}},
      topics: {},
      schemas,
      helpTopics: [
        {name: 'exit-codes', json: {exitCodes: []}, note: ''},
        {name: 'environment', json: {variables: []}},
      ],
      api: {OPERATIONS: {}, operationsOf: () => [], permissionsOf: () => []},
      settings: [],
    })

  it('in a table and in a paragraph', () => {
    const {'docs/reference/commands/general.md': page = ''} = pages({})
    expect(page).toContain('| `--x=VALUE` | a\\|b \\<c\\> d\\_e f `g\\|h`. |')
    expect(page).toContain('\nDo \\<it\\>.\n')
  })

  it('and a schema that refers to nothing fails', () => {
    const broken = {title: 'zt a', properties: {b: {$ref: 'a.schema.json#/$defs/gone'}}}
    expect(() => pages({'a.schema.json': broken})).toThrow('no such definition')
  })
})
