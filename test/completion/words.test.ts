import {describe, expect, it} from 'vitest'
import {commands, completionWords, manifest, words} from '../support/manifest.js'

describe('what can be completed', () => {
  it('has every command, and every flag that help shows', () => {
    const names = commands.flatMap(({id, aliases = []}) => [id, ...aliases])
    expect(Object.keys(words.commands)).toEqual(names.map((name) => name.replaceAll(':', ' ')))
    for (const {id, flags} of commands) {
      const offered = words.commands[id.replaceAll(':', ' ')]?.flags.map(({name}) => name)
      const shown = Object.values(flags).filter(({hidden}) => hidden !== true)
      expect(offered).toEqual(expect.arrayContaining(shown.map(({name}) => name)))
    }
  })

  it('has the flags of every command once', () => {
    expect(words.global.map(({name}) => name).sort()).toEqual([
      'account',
      'fields',
      'jq',
      'json',
      'no-input',
      'profile',
    ])
  })

  it('is nothing for a value without a mark, and what the mark says for one with it', () => {
    const command = {args: {a: {name: 'a'}}, flags: {b: {name: 'b', type: 'option', completes: 'token'}}}
    const made = completionWords({commands: {'token:do': command}}, {}, [])
    expect(made.commands['token do']).toMatchObject({args: [{kind: 'none'}], flags: [{kind: 'token'}]})
  })

  it('does not miss a mark on the value of an object by its name', () => {
    const objects = ['token', 'application', 'group', 'policy', 'store', 'profile', 'host']
    const unmarked = Object.entries(manifest.commands).flatMap(([id, {args, flags}]) =>
      [...Object.values(args), ...Object.values(flags)]
        .filter(({name, completes}) => objects.includes(name) && completes === undefined)
        .map(({name}) => `${id} ${name}`),
    )
    expect(unmarked).toEqual([])
  })

  it('does not miss a mark on the name of a file, which Windows has to have checked', () => {
    const unmarked = Object.entries(manifest.commands).flatMap(([id, {args, flags}]) =>
      [...Object.values(args), ...Object.values(flags)]
        .filter(({name, helpValue = ''}) => name === 'file' || /^(FILE|DIR|PATH)$/.test(helpValue))
        .filter(({completes}) => completes !== 'file')
        .map(({name}) => `${id} ${name}`),
    )
    // Of cloudflared's line, and without effect.
    expect(unmarked).toEqual(['access:ssh logfile'])
  })
})
