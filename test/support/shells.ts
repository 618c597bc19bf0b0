import {execFile} from 'node:child_process'
import {existsSync} from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import {promisify} from 'node:util'
import {NameCache} from '../../src/lib/completion/name-cache.js'
import type {Shell} from '../../src/lib/completion/scripts.js'
import type {NameKind} from '../../src/lib/completion/types.js'
import {bin, BuiltZt} from './built-zt.js'
import {Terminal} from './terminal.js'
import {AMPLE_MS} from './patience.js'

const run = promisify(execFile)

export const isInstalled = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some((one) => existsSync(path.join(one, program)))

export const BASH_COMPLETION = '/usr/share/bash-completion/bash_completion'

const PROFILE = {apiUrl: 'http://127.0.0.1:9/client/v4', accountId: 'an-account', profile: 'mine'}

/** A home in which `zt` completes as built, from names that the test sets, and otherwise records its arguments. */
export class CompletionHome {
  private constructor(
    readonly zt: BuiltZt,
    private readonly given: string,
  ) {}

  static async make(): Promise<CompletionHome> {
    const zt = await BuiltZt.make()
    const given = path.join(zt.home, 'given')
    const program = path.join(zt.home, 'bin', 'zt')
    await fs.mkdir(path.dirname(program))
    await fs.writeFile(
      program,
      `#!/bin/sh
case $1 in
  __complete | completion) exec '${process.execPath}' '${bin}' "$@" ;;
esac
for word; do printf '%s\\0' "$word"; done > '${given}.new'
mv '${given}.new' '${given}'
`,
      {mode: 0o755},
    )
    zt.env['PATH'] = `${path.dirname(program)}:${zt.env['PATH'] ?? ''}`
    zt.env['LANG'] = 'C.UTF-8'
    const {apiUrl, accountId, profile} = PROFILE
    const config = path.join(zt.home, 'CONFIG', 'zt', 'config.json')
    await fs.mkdir(path.dirname(config), {recursive: true})
    const profiles = {[profile]: {apiUrl, accountId}}
    await fs.writeFile(config, JSON.stringify({version: 1, currentProfile: profile, profiles}))
    return new CompletionHome(zt, given)
  }

  /** Sets the cached names of a kind, fresh. */
  async names(kind: NameKind, ...names: string[]): Promise<void> {
    const cache = new NameCache(path.join(this.zt.home, 'CACHE', 'zt'))
    const list = names.map((name, at) => ({id: `id-${at}`, name, domains: [`host${at}.example`]}))
    await cache.keep(PROFILE, kind, list, cache.mark(PROFILE, kind))
  }

  async script(shell: Shell): Promise<string> {
    const {stdout} = await this.zt.run(['completion', shell])
    return stdout
  }

  /** The output of a non-interactive shell. */
  async output(program: string, ...args: string[]): Promise<string> {
    const {stdout} = await run(program, args, {env: this.zt.env, cwd: this.zt.home})
    return stdout
  }

  /** A user at a prompt with completion. */
  async open(shell: Shell, {packaged = false} = {}): Promise<PersonAtShell> {
    const start = await this.#start(shell, packaged)
    const terminal = await Terminal.run(this.zt, start, {PS1: 'ready> '})
    await terminal.shows(/ready>/)
    return new PersonAtShell(terminal, this.given)
  }

  /** @param packaged the shell finds it by itself at the first TAB: bash by the package bash-completion, zsh in $fpath */
  async #start(shell: Shell, packaged: boolean): Promise<string[]> {
    const rc = path.join(this.zt.home, `rc.${shell}`)
    switch (shell) {
      case 'bash': {
        const lazily = path.join(this.zt.home, '.local', 'share', 'bash-completion', 'completions')
        const own = ["PS1='ready> '", 'HISTFILE=', 'source <(zt completion bash)']
        if (packaged) {
          await fs.mkdir(lazily, {recursive: true})
          await fs.writeFile(path.join(lazily, 'zt'), await this.script('bash'))
          own.splice(2, 1, `unset XDG_DATA_HOME; source ${BASH_COMPLETION}`)
        }
        await fs.writeFile(rc, own.join('\n'))
        return ['bash', '--noprofile', '--rcfile', rc, '-i']
      }
      case 'zsh': {
        const functions = path.join(this.zt.home, 'functions')
        const own = ["PS1='ready> '", 'autoload -U compinit; compinit -u -D', 'source <(zt completion zsh)']
        if (packaged) {
          await fs.mkdir(functions)
          await fs.writeFile(path.join(functions, '_zt'), await this.script('zsh'))
          own.splice(1, 2, `fpath=('${functions}' $fpath); autoload -U compinit; compinit -u -D`)
        }
        await fs.writeFile(path.join(this.zt.home, '.zshrc'), own.join('\n'))
        return ['env', `ZDOTDIR=${this.zt.home}`, 'zsh', '-d', '-i']
      }
      case 'fish':
        return [
          'fish',
          '-N',
          '-i',
          '-C',
          'function fish_prompt; printf "ready> "; end; zt completion fish | source',
        ]
    }
  }

  async end(): Promise<void> {
    await this.zt.end()
  }
}

class PersonAtShell {
  constructor(
    readonly terminal: Terminal,
    private readonly file: string,
  ) {}

  /** Types, presses TAB, and then Enter; returns the words that zt was given. */
  async completes(text: string): Promise<string[]> {
    await this.terminal.type(text)
    await this.terminal.press('Tab')
    await this.terminal.press('Enter')
    return this.#given()
  }

  async #given(): Promise<string[]> {
    const deadline = Date.now() + AMPLE_MS
    for (;;) {
      const text = await fs.readFile(this.file, 'utf8').catch(() => undefined)
      if (text !== undefined) {
        await fs.rm(this.file)
        return text.split('\0').slice(0, -1)
      }
      if (Date.now() > deadline) throw new Error(`zt did not run:\n${await this.terminal.screen()}`)
      await new Promise((resolve) => setTimeout(resolve, 15))
    }
  }
}
