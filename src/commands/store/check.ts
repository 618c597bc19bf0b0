import {Flags} from '@oclif/core'
import {checkStores} from '../../lib/access/stores/check.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {problemText, stateColour} from '../../lib/command/present/store.js'
import {mark, style} from '../../lib/cli/streams.js'
import {table} from '../../lib/cli/table.js'
import {exitCodeOfKind} from '../../lib/core/exit-codes.js'

export default class StoreCheck extends AccessCommand<typeof StoreCheck> {
  static override summary = 'Check the secret stores against what zt knows about them'
  static override description =
    'Compares all stores with the index, the host bindings and the profiles of this machine. --fix repairs what can be repaired without losing anything, and never deletes the only copy of a secret. The exit code is 9 if something is left to do.'
  static override examples = [
    '<%= config.bin %> store check',
    '<%= config.bin %> store check --fix',
    '<%= config.bin %> store check --json',
  ]
  static override flags = {
    fix: Flags.boolean({description: 'repair what can be repaired without losing anything'}),
  }
  static override asks = {needs: ['listServiceTokens']} as const

  async run(): Promise<object> {
    const {stores, problems} = await checkStores(this.access(), this.settings, {fix: this.flags.fix})
    this.print(
      table(stores, [
        {title: 'STORE', value: ({kind}) => kind},
        {title: 'STATE', value: ({state}) => stateColour(state)},
        {
          title: 'ENTRIES',
          value: ({entries}) => (entries === undefined ? style.secondary('unknown') : String(entries)),
        },
      ]),
    )
    for (const {kind, why} of stores) if (why !== undefined) this.note(`${kind}: ${why}`)
    for (const problem of problems) {
      this.print(problemText(problem))
      if (problem.why !== undefined) this.note(problem.why)
      this.next(...problem.next)
    }
    const left = problems.filter(({fixed}) => !fixed)
    if (problems.length === 0) this.print(`${mark.done} No problems found`)
    else if (left.length === 0) this.print(`${mark.done} All problems are repaired`)
    else process.exitCode = exitCodeOfKind('needs-action')
    return {
      stores: stores.map(({kind, state, entries, why}) => ({
        store: kind,
        state,
        entries: entries ?? null,
        why: why ?? null,
      })),
      problems: problems.map((one) => ({
        ...one,
        store: one.store ?? null,
        profile: one.profile ?? null,
        why: one.why ?? null,
      })),
    }
  }
}
