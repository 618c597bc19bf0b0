import {execFileSync, spawnSync} from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'

interface Scripts {
  releasable: (root: string) => {version: string; commit: string; date: Date}
  checkOut: (root: string, commit: string, into: string) => void
  leave: (root: string, checkout: string) => void
  writeSums: (directory: string) => Record<string, string>
  wrongOption: (values: Record<string, string | undefined>, version: string) => string | undefined
}
const script = path.resolve(import.meta.dirname, '../../scripts/release.mjs')
const {releasable, checkOut, leave, writeSums, wrongOption} = (await import(script)) as Scripts

let root: string
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'zt-release-'))
})
afterEach(() => fs.rmSync(root, {recursive: true}))

const write = (name: string, text: string): void => {
  const file = path.join(root, name)
  fs.mkdirSync(path.dirname(file), {recursive: true})
  fs.writeFileSync(file, text)
}
const git = (...args: string[]): string => {
  const who = {
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@b',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@b',
  }
  const env = {PATH: process.env['PATH'], HOME: os.devNull, GIT_CONFIG_NOSYSTEM: '1', ...who}
  const when = {GIT_COMMITTER_DATE: '2026-03-04T23:30:00-02:00'}
  return execFileSync('git', args, {cwd: root, env: {...env, ...when}, encoding: 'utf8'}).trim()
}
const commit = (): void => {
  git('add', '.')
  git('commit', '-q', '--allow-empty', '-m', 'x')
}
const CHANGES = '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-03-04\n\n### Added\n\n- All of it.\n'

describe('what can be released', () => {
  beforeEach(() => {
    git('init', '-q')
    write('package.json', '{"version": "1.2.3"}')
    write('oclif.manifest.json', '{}')
    write('CHANGELOG.md', CHANGES)
    write('.gitignore', 'dist-release/\n')
    commit()
  })

  it('is a commit without changes, whose version has a section in the changelog', () => {
    write('dist-release/zt', 'of before')
    expect(releasable(root)).toEqual({
      version: '1.2.3',
      commit: git('rev-parse', 'HEAD'),
      date: new Date('2026-03-05T01:30:00Z'),
    })
  })

  it('is a commit that its tag names', () => {
    git('tag', 'v1.2.3')
    expect(releasable(root)).toMatchObject({version: '1.2.3'})
  })

  it.each<[string, string, () => void]>([
    ['a changed file', 'changes', () => write('package.json', '{"version": "1.2.3" }')],
    ['a changed file that the build writes', 'changes', () => write('oclif.manifest.json', '{} ')],
    ['a new file', 'changes', () => write('new', '')],
    [
      'a new file that git was asked not to show',
      'changes',
      () => (git('config', 'status.showUntrackedFiles', 'no'), write('new', '')),
    ],
    ['a staged file', 'changes', () => (write('new', ''), git('add', 'new'))],
    ['a version that is not in the names of files', 'named after version', () => version('1.2.3+4')],
    ['a version without a section', 'no changes of 1.3.0', () => version('1.3.0')],
    ['a version that only begins like that of a section', 'no changes of 1.2.30', () => version('1.2.30')],
    [
      'a version whose section is empty',
      'no changes of 1.2.3',
      () => changelog(CHANGES.replace('- All', 'All')),
    ],
    [
      'a section without a date',
      'no changes of 1.2.3',
      () => changelog(CHANGES.replace(' - 2026-03-04', '')),
    ],
    [
      'changes that are not of any version',
      'under [Unreleased]',
      () => changelog(CHANGES.replace('[Unreleased]\n', '[Unreleased]\n\n- More.\n')),
    ],
    ['a version that is released', 'tag v1.2.3 is another commit', () => (git('tag', 'v1.2.3'), commit())],
    ['no checkout', 'not a git checkout', () => fs.rmSync(path.join(root, '.git'), {recursive: true})],
  ])('is not %s', (_, message, change) => {
    change()
    expect(() => releasable(root)).toThrow(message)
  })

  it.each([
    ['the checkout', '.'],
    ['a directory with files', 'mine'],
    ['an empty one', 'empty'],
  ])('is never written over %s', (_, out) => {
    for (const name of ['release', 'build-facts', 'node-binary'])
      write(`scripts/${name}.mjs`, fs.readFileSync(path.join(path.dirname(script), `${name}.mjs`), 'utf8'))
    write('mine/precious', '')
    commit()
    fs.mkdirSync(path.join(root, 'empty'))
    const before = fs.readdirSync(root, {recursive: true}).sort()
    const address = 'https://example.com/zt/v1.2.3'
    const args = ['--url', address, '--homepage', address, '--publisher', 'Example', '--windows-node', 'npm']
    const {status, stderr} = spawnSync(
      process.execPath,
      ['scripts/release.mjs', ...args, '--maintainer', 'A <a@example.com>', '--out', out],
      {cwd: root, encoding: 'utf8'},
    )
    expect({status, stderr}).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^error: .* exists\n/) as string,
    })
    expect(stderr).not.toMatch(/\brm\b/)
    expect(fs.readdirSync(root, {recursive: true}).sort()).toEqual(before)
  })

  const version = (text: string): void => (write('package.json', JSON.stringify({version: text})), commit())
  const changelog = (text: string): void => (write('CHANGELOG.md', text), commit())
})

describe('the checkout that a release is made in', () => {
  let umask: number
  beforeEach(() => {
    umask = process.umask(0o077)
    git('init', '-q')
    write('.gitignore', '*.log\ndist/\n')
    write('docs/page.md', 'line\nline\n')
    write('bin/zt', '#!/bin/sh\n')
    fs.chmodSync(path.join(root, 'bin/zt'), 0o755)
    commit()
  })
  afterEach(() => {
    process.umask(umask)
  })
  const checkedOut = (): string => {
    const into = path.join(root, 'dist-release-1', 'source')
    checkOut(root, git('rev-parse', 'HEAD'), into)
    return into
  }

  it('has the files of the commit, and no others', () => {
    write('docs/private.log', 'ignored')
    write('dist/zt.cjs', 'of another commit')
    write('docs/page.md', 'changed')
    const into = checkedOut()
    const names = fs.readdirSync(into, {recursive: true, withFileTypes: true}).filter((one) => one.isFile())
    expect(names.map(({name}) => name).sort()).toEqual(['.git', '.gitignore', 'page.md', 'zt'])
    expect(fs.readFileSync(path.join(into, 'docs/page.md'), 'utf8')).toBe('line\nline\n')
  })

  it('has the modes and line ends that it has everywhere', () => {
    git('config', 'core.autocrlf', 'true')
    const into = checkedOut()
    const modeOf = (name: string): number => fs.statSync(path.join(into, name)).mode & 0o777
    expect(['docs', 'docs/page.md', 'bin/zt'].map(modeOf)).toEqual([0o755, 0o644, 0o755])
    expect(fs.readFileSync(path.join(into, 'docs/page.md'), 'utf8')).toBe('line\nline\n')
    fs.writeFileSync(path.join(into, 'made'), '')
    expect(modeOf('made')).toBe(0o644)
  })

  it('is removed with what was made in it, and leaves nothing in the repository', () => {
    const into = checkedOut()
    fs.mkdirSync(path.join(into, 'dist'))
    fs.writeFileSync(path.join(into, 'new'), '')
    leave(root, into)
    expect(fs.existsSync(into)).toBe(false)
    expect(git('worktree', 'list').split('\n')).toHaveLength(1)
  })
})

describe('SHA256SUMS', () => {
  const check = (): string => {
    try {
      const args = ['--check', '--strict', 'SHA256SUMS']
      return execFileSync('sha256sum', args, {
        cwd: root,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
    } catch (error) {
      return (error as {stdout: string}).stdout
    }
  }

  it('has every file, below directories too, as sha256sum reads it, and not itself', () => {
    write('SHA256SUMS', 'of before')
    write('zt', 'a')
    write('winget/zt.yaml', 'b')
    expect(Object.keys(writeSums(root))).toEqual(['winget/zt.yaml', 'zt'])
    expect(check()).toBe('winget/zt.yaml: OK\nzt: OK\n')
  })

  it('shows a file that has changed', () => {
    write('zt', 'a')
    writeSums(root)
    write('zt', 'b')
    expect(check()).toBe('zt: FAILED\n')
  })
})

describe('what becomes a part of the manifests', () => {
  const GOOD = {
    url: 'https://example.com/zt/releases/download/v1.2.3',
    homepage: 'https://example.com/zt',
    publisher: 'Example',
    maintainer: 'An Example <zt@example.com>',
    'windows-node': 'npm',
  }

  it.each(['https://example.com/zt/releases/download/v1.2.3', 'https://example.com/1.2.3/zt'])(
    'is taken in its own form, with the version in the address: %s',
    (url) => {
      expect(wrongOption({...GOOD, url}, '1.2.3')).toBeUndefined()
    },
  )

  it.each([
    ['url', undefined],
    ['url', 'http://example.com'],
    ['url', "https://example.com/'"],
    ['url', 'https://example.com/a?b'],
    ['url', 'https://example.com/a\n'],
    ['url', 'https://example.com/zt/releases/download/v1.2.2'],
    ['url', 'https://example.com/zt/releases/download/v1.2.30'],
    ['url', 'https://example.com/zt'],
    ['windows-node', undefined],
    ['homepage', 'example.com'],
    ['publisher', 'Example, Inc.'],
    ['publisher', "E'"],
    ['maintainer', 'zt@example.com'],
    ['maintainer', 'A <zt@example.com>\nEvil: yes'],
  ])('is refused in another: --%s %j', (name, value) => {
    expect(wrongOption({...GOOD, [name]: value}, '1.2.3')).toBe(name)
  })
})
