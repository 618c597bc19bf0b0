import {execFileSync} from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'

type Facts = Record<'version' | 'commit' | 'dirty' | 'commitDate', unknown>
const {sourceFacts} = (await import(path.resolve(import.meta.dirname, '../../scripts/build-facts.mjs'))) as {
  sourceFacts: (root: string, env?: NodeJS.ProcessEnv) => Facts
}

let root: string
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'zt-facts-'))
  write('package.json', '{"version": "1.2.3"}')
  write('oclif.manifest.json', '{}')
})
afterEach(() => fs.rmSync(root, {recursive: true}))

const env = {PATH: process.env['PATH'], HOME: os.devNull, GIT_CONFIG_NOSYSTEM: '1'}
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
  const when = {GIT_AUTHOR_DATE: '2020-01-01T00:00:00Z', GIT_COMMITTER_DATE: '2026-03-04T23:30:00-02:00'}
  return execFileSync('git', args, {cwd: root, env: {...env, ...who, ...when}, encoding: 'utf8'}).trim()
}
const commit = (): string => {
  git('init', '-q')
  git('add', '.')
  git('commit', '-q', '-m', 'x')
  return git('rev-parse', 'HEAD')
}

describe('what a build knows of its sources', () => {
  it('is the commit, and its date in UTC', () => {
    const id = commit()
    expect(id).toMatch(/^[0-9a-f]{40}$/)
    expect(sourceFacts(root, env)).toEqual({
      version: '1.2.3',
      commit: id,
      dirty: false,
      commitDate: '2026-03-05T01:30:00Z',
    })
  })

  it.each<[what: string, change: () => void, dirty: boolean]>([
    ['a file that was changed', () => write('package.json', '{"version": "1.2.4"}'), true],
    ['a file that is new', () => write('src/new.ts', ''), true],
    ['a file that is gone', () => fs.rmSync(path.join(root, 'a')), true],
    ['what git ignores', () => write('dist/zt.cjs', ''), false],
    ['the manifest, which the build writes', () => write('oclif.manifest.json', '{"version": "1"}'), false],
  ])('has changes or not, by %s', (_what, change, dirty) => {
    write('a', '')
    write('.gitignore', 'dist/\n')
    commit()
    change()
    expect(sourceFacts(root, env)).toMatchObject({dirty})
  })

  it.each<[what: string, at: () => string, env: NodeJS.ProcessEnv]>([
    ['in no checkout', () => root, env],
    [
      'in another project’s checkout',
      () => {
        commit()
        write('node_modules/zt-access/package.json', '{"version": "1.2.3"}')
        return path.join(root, 'node_modules/zt-access')
      },
      env,
    ],
    [
      'before the first commit',
      () => {
        git('init', '-q')
        return root
      },
      env,
    ],
    ['without git', () => (commit(), root), {...env, PATH: '/nowhere'}],
  ])('is the version alone %s', (_what, at, given) => {
    expect(sourceFacts(at(), given)).toEqual({version: '1.2.3', commit: null, dirty: null, commitDate: null})
  })

  it('is not that of another repository, which git names to its hooks', () => {
    const id = commit()
    expect(sourceFacts(root, {...env, GIT_DIR: '/nowhere', GIT_INDEX_FILE: '/nowhere'})).toMatchObject({
      commit: id,
      dirty: false,
    })
  })

  it('has the date that SOURCE_DATE_EPOCH says, in a checkout or not', () => {
    const given = {...env, SOURCE_DATE_EPOCH: '1700000000'}
    expect(sourceFacts(root, given)).toMatchObject({commit: null, commitDate: '2023-11-14T22:13:20Z'})
    commit()
    expect(sourceFacts(root, given)).toMatchObject({commitDate: '2023-11-14T22:13:20Z'})
    for (const bad of ['now', '-1', '1e9', '999999999999999'])
      expect(() => sourceFacts(root, {...env, SOURCE_DATE_EPOCH: bad})).toThrow('SOURCE_DATE_EPOCH')
  })
})
