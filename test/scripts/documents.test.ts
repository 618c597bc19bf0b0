import {existsSync, readdirSync, readFileSync} from 'node:fs'
import path from 'node:path'
import {describe, expect, it} from 'vitest'
import {manifest} from '../support/manifest.js'
import {COMMANDS} from '../support/command-harness.js'

const root = path.resolve(import.meta.dirname, '../..')
const NOT_OURS = new Set(['.git', 'node_modules', 'dist', 'coverage', 'dist-executable', 'dist-site'])
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')

/** Every file and directory of the project, with a slash before it, and after it if it is a directory. */
const HERE = [...filesBelow(root)]

function* filesBelow(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, {withFileTypes: true})) {
    if (NOT_OURS.has(entry.name)) continue
    const whole = path.join(directory, entry.name)
    const name = `/${path.relative(root, whole).replaceAll(path.sep, '/')}`
    yield entry.isDirectory() ? `${name}/` : name
    if (entry.isDirectory()) yield* filesBelow(whole)
  }
}

const TOP = new Set([...readdirSync(root), ...readdirSync(path.join(root, 'src/lib'))])
const {scripts} = JSON.parse(read('package.json')) as {scripts: Record<string, string>}
const DOCUMENTS = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(path.join(root, 'docs'), {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll(path.sep, '/')}`)
    .sort(),
]

/** What a document has in backticks, in a line or in a block of its own; of a console, only what is typed there. */
function codeIn(text: string): string[] {
  const blocks = [...text.matchAll(/^ *```(.*)\n([^]*?)^ *```/gm)].flatMap(([, kind = '', block = '']) => {
    const lines = block.split('\n').map((line) => line.trim())
    return kind === 'console' ? lines.flatMap((line) => /^[$>] (.*)/.exec(line)?.[1] ?? []) : lines
  })
  const lines = text.replace(/^ *```[^]*?^ *```/gm, '')
  return [...blocks, ...[...lines.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)]
}

/** Whether code names a file or folder of the project. */
function isPath(code: string): boolean {
  const [first = '', ...rest] = code.split('/')
  if (!/^[\w.*/-]+$/.test(code) || NOT_OURS.has(first)) return false
  return /\.(ts|mjs|cjs|js|md)$/.test(code) || (rest.length > 0 && TOP.has(first))
}

/** Words in capitals and `*` are for anything. A document may leave out the folders that its table or text names. */
function exists(code: string): boolean {
  const pattern = code.replace(/[.]/g, '\\.').replace(/\*|\b[A-Z]+\b/g, '[^/]+')
  const end = code.endsWith('/') ? '$' : '/?$'
  const ending = new RegExp(`/${pattern}${end}`)
  return HERE.some((file) => ending.test(file))
}

/** The words of a command in a line of zt, as far as they are words. */
function commandIn(line: string): string[] {
  const [, words = ''] = /^zt((?: [a-z][a-z-]*)+)(?= |$)/.exec(line.trim()) ?? []
  return words.trim().split(' ').filter(Boolean)
}

/** Other names of commands. */
const ALIASES = new Set(
  Object.values(manifest.commands).flatMap(({aliases = []}) => aliases.map((id) => id.replaceAll(':', ' '))),
)

function isCommand([first = '', second = '']: readonly string[]): boolean {
  if (COMMANDS.has(first) || COMMANDS.has(`${first} ${second}`) || ALIASES.has(`${first} ${second}`))
    return true
  return second === '' && [...COMMANDS.keys()].some((name) => name.startsWith(`${first} `))
}

describe.each(DOCUMENTS)('%s', (file) => {
  const text = read(file)
  const code = codeIn(text)

  it('links to what is there', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)].map(([, to = '']) => to)
    expect(links.filter((to) => !existsSync(path.join(root, path.dirname(file), to)))).toEqual([])
  })

  it('names files and folders that exist', () => {
    expect(code.filter((one) => isPath(one) && !exists(one))).toEqual([])
  })

  it('names npm scripts and commands of zt that exist', () => {
    const run = code.flatMap((one) =>
      [...one.matchAll(/\bnpm run (?:--silent )?([a-z][\w:-]*)/g)].map(([, name = '']) => name),
    )
    expect(run.filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
    expect(code.filter((one) => commandIn(one).length > 0 && !isCommand(commandIn(one)))).toEqual([])
  })
})

it('docs/index.md names every page of the manual', () => {
  const index = read('docs/index.md')
  // These have an index of their own.
  const pages = DOCUMENTS.filter((name) =>
    /^docs\/(?!index|json\/|reference\/commands\/(?!index))/.test(name),
  )
  expect(pages.filter((name) => !index.includes(`](${name.slice('docs/'.length)})`))).toEqual([])
})
