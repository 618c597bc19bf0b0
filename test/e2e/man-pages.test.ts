import {execFile} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {promisify, stripVTControlCharacters} from 'node:util'
import {describe, expect, it} from 'vitest'
import {ENVIRONMENT_VARIABLES} from '../../src/lib/core/environment-variables.js'
import {EXIT_CODES} from '../../src/lib/core/exit-codes.js'
import {missingPrograms} from '../support/pass.js'

const root = path.resolve(import.meta.dirname, '../..')
const directory = path.join(root, 'dist/man/man1')
const json = async <T>(file: string): Promise<T> =>
  JSON.parse(await fs.readFile(path.join(root, file), 'utf8')) as T

interface Flag {
  name: string
  char?: string
  type: string
  hidden?: boolean
  allowNo?: boolean
}
interface Command {
  summary: string
  flags: Record<string, Flag>
  args: Record<string, {name: string}>
  examples: (string | {description: string; command: string})[]
}
const roff = (await import(path.join(root, 'scripts/roff.mjs'))) as {
  escape: (text: string) => string
  line: (text: string) => string
  manPage: (page: Record<string, unknown>) => string
}
const {commands} = await json<{commands: Record<string, Command>}>('oclif.manifest.json')
const {man, oclif} = await json<{man: string[]; oclif: {topics: object}}>('package.json')
const pages = new Map<string, string>()
for (const file of await fs.readdir(directory))
  pages.set(file, await fs.readFile(path.join(directory, file), 'utf8'))
const pageOf = (id: string): string => `zt-${id.replaceAll(':', '-')}.1`

const missing = await missingPrograms('mandoc', 'groff')
if (missing !== undefined)
  process.stderr.write(
    `SKIPPED: man pages as they are shown: ${missing} (apt-get install mandoc groff-base)\n`,
  )

/** What zt's roff prints; see test/scripts/roff.test.ts. */
const plain = (text: string): string =>
  text
    .replaceAll(/\\f[BIR]|\\&/g, '')
    .replaceAll('\\ ', ' ')
    .replaceAll('\\-', '-')
    .replaceAll('\\(aq', "'")
    .replaceAll('\\(dq', '"')
    .replaceAll('\\(ti', '~')
    .replaceAll(/\\\[u([0-9A-F]+)\]/g, (_, code: string) => String.fromCodePoint(parseInt(code, 16)))

/** The lines of a section, up to the next. */
function sectionOf(file: string, title: string): string[] {
  const lines = (pages.get(file) ?? '').split('\n')
  const from = lines.indexOf(`.SH ${title}`)
  if (from < 0) return []
  const length = lines.slice(from + 1).findIndex((line) => line.startsWith('.SH '))
  return lines.slice(from + 1, length < 0 ? undefined : from + 1 + length)
}

/** The terms of the lists in a section. */
function termsOf(file: string, title: string): string[] {
  const lines = sectionOf(file, title)
  return lines.filter((_, at) => lines[at - 1] === '.TP').map(plain)
}

/** `-y, --[no-]yes=VALUE` is `-y`, `--yes` and `--no-yes`. */
function flagsIn(term: string): string[] {
  return term.split(', ').flatMap((one) => {
    const name = one.split('=')[0] ?? ''
    return name.includes('[no-]') ? [name.replace('[no-]', ''), name.replace('[no-]', 'no-')] : [name]
  })
}

describe('the man pages', () => {
  it('are one for zt, each topic and each command, and package.json has them installed', () => {
    const names = [...Object.keys(oclif.topics), ...Object.keys(commands)].map(pageOf)
    expect([...pages.keys()].sort()).toEqual([...new Set(['zt.1', ...names])].sort())
    expect(man).toEqual([...pages.keys()].sort().map((file) => `dist/man/man1/${file}`))
  })

  it.each(Object.entries(commands))('have every flag and argument of zt %s, and no other', (id, command) => {
    const flags = Object.values(command.flags).filter(({hidden}) => !hidden)
    const expected = flags.flatMap(({name, char, allowNo}) => [
      ...(char ? [`-${char}`] : []),
      `--${name}`,
      ...(allowNo ? [`--no-${name}`] : []),
    ])
    expect(termsOf(pageOf(id), 'OPTIONS').flatMap(flagsIn).sort()).toEqual(expected.sort())
    const args = Object.values(command.args).map(({name}) => name.toUpperCase())
    expect(termsOf(pageOf(id), 'ARGUMENTS')).toEqual(args)
    const synopsis = plain(sectionOf(pageOf(id), 'SYNOPSIS').join('\n'))
    for (const {name, allowNo} of flags.filter(({name}) => !(name in (commands['help']?.flags ?? {}))))
      expect(synopsis).toContain(allowNo ? `--[no-]${name}` : `--${name}`)
    const examples = plain(sectionOf(pageOf(id), 'EXAMPLES').join('\n'))
    for (const example of command.examples) {
      for (const text of typeof example === 'string' ? [example] : Object.values(example))
        expect(examples).toContain(text.replaceAll('<%= config.bin %>', 'zt'))
    }
  })

  it('name every command with what it does, every exit code and every variable in zt(1)', () => {
    const named = Object.entries(commands).map(([id, {summary}]) => [
      `zt-${id.replaceAll(':', '-')}(1)`,
      summary,
    ])
    const text = plain(sectionOf('zt.1', 'COMMANDS').join('\n'))
    for (const [name, summary] of named) expect(text).toContain(`${name}\n${summary}`)
    expect(termsOf('zt.1', 'EXIT STATUS')).toEqual(EXIT_CODES.map(({code}) => String(code)))
    expect(termsOf('zt.1', 'ENVIRONMENT')).toEqual(ENVIRONMENT_VARIABLES.map(({name}) => name))
    for (const title of ['SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'EXAMPLES', 'FILES', 'SECURITY', 'SEE ALSO'])
      expect(sectionOf('zt.1', title)).not.toEqual([])
  })

  it('refer to pages that are there', () => {
    for (const [file, text] of pages) {
      for (const [, name] of plain(text).matchAll(/\b(zt(?:-[a-z-]+)?)\(1\)/g))
        expect(pages.has(`${name}.1`), `${file}: ${name}`).toBe(true)
    }
  })
})

const run = promisify(execFile)
const options = {cwd: directory, encoding: 'utf8', maxBuffer: 1 << 26} as const

describe.skipIf(missing !== undefined)('a man page', () => {
  it('can be shown without a warning', async () => {
    const files = [...pages.keys()]
    // It exits with 2 if it warns.
    const mandoc = await run('mandoc', ['-Tlint', '-W', 'warning', ...files], options)
    const groff = await run('groff', ['-man', '-ww', '-z', '-Tutf8', ...files], options)
    expect([mandoc.stdout, mandoc.stderr, groff.stdout, groff.stderr]).toEqual(['', '', '', ''])
  })

  it('is ASCII and at most 40 columns wide there, but for words and for what is to be copied', async () => {
    for (const [file, source] of pages) {
      const args = ['-man', '-ww', '-Tascii', '-rLL=40n', '-P-c', '-P-b', '-P-o', '-P-u', file]
      const {stdout, stderr} = await run('groff', args, options)
      expect(stderr.split('\n').filter((one) => one !== '' && !one.endsWith("can't break line"))).toEqual([])
      expect(stdout, file).toMatch(/^[\n -~]*$/)
      const copied = new Set([...source.matchAll(/^\.nf\n(.*?)^\.fi$/gms)].flatMap(([, text = '']) => plain(text).split('\n')))
      const wide = stdout.split('\n').filter((one) => one.length > 40 && one.trim().includes(' '))
      const title = new RegExp(`^${file.slice(0, -2)}\\(1\\)`, 'i')
      expect(wide.filter((one) => !title.test(one) && !copied.has(one.trim())), file).toEqual([])
    }
  }) // prettier-ignore

  it('would be warned of', async () => {
    const file = path.join(await fs.mkdtemp(path.join(os.tmpdir(), 'zt-man-')), 'bad.1')
    await fs.writeFile(
      file,
      (pages.get('zt.1') ?? '').replace('.SH NAME', '.TP\n.nosuch\n\\*[nothing]\n.SH NAME'),
    )
    await expect(run('mandoc', ['-Tlint', '-W', 'warning', file], options)).rejects.toThrow()
    expect((await run('groff', ['-man', '-ww', '-z', '-Tutf8', file], options)).stderr).toContain('nosuch')
    await fs.rm(path.dirname(file), {recursive: true})
  })

  describe.each<[program: string, args: string[]]>([
    ['mandoc', ['-Tutf8', '-O', 'width=78']],
    ['groff', ['-man', '-Tutf8', '-K', 'ascii', '-rLL=78n']],
  ])('as %s shows it', (program, args) => {
    const shown = async (file: string): Promise<string> => {
      const {stdout} = await run(program, [...args, file], options)
      return stripVTControlCharacters(stdout).replaceAll(/.\u0008/gu, '')
    }
    const squeezed = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()

    it.each(['zt.1', 'zt-exec.1', 'zt-ssh.1', 'zt-store-use.1'])(
      'says all that is in it, in 80 columns: %s',
      async (file) => {
        const text = await shown(file)
        // An example may be longer: it is one line to copy.
        for (const line of text.split('\n').filter((one) => !/^ {11}zt /.test(one)))
          expect(line.length, line).toBeLessThanOrEqual(80)
        const lines = (pages.get(file) ?? '').split('\n').filter((line) => !line.startsWith('.'))
        expect(lines.length).toBeGreaterThan(25)
        for (const line of lines) expect(squeezed(text)).toContain(squeezed(plain(line)))
      },
    )

    it('prints a text as it was, whatever roff makes of its characters', async () => {
      const texts = [
        '.TH of its own',
        "'br and .br, '' and ..",
        '\\fBnot bold\\fR \\(aq \\[u2026] \\*[x] \\n[y] \\" no comment',
        '--flag=-1 – — − ‐ -',
        'age1… `a` ´b´ ^c ~d ’e’ "f" <g> |h| €',
        '%x $1 \\\\ \\e \\',
      ]
      const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-man-'))
      const body = ['.SH NAME', 'x \\- y', ...texts.flatMap((one) => ['.SH X', roff.line(roff.escape(one))])]
      const title = {name: 'x', number: 1, date: '2026-11-26', source: '"a\\', manual: '.b'}
      await fs.writeFile(path.join(folder, 'x.1'), roff.manPage({...title, body}))
      const text = await shown(path.join(folder, 'x.1'))
      for (const one of texts) expect(text).toContain(`\n       ${one}\n`)
      expect(text).toMatch(/^X\(1\) +\.b +X\(1\)/m)
      expect(text).toMatch(/^"a\\ +/m)
      await fs.rm(folder, {recursive: true})
    })
  })
})
