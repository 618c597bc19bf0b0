import {Args, Flags} from '@oclif/core'
import {ztCommand} from '../lib/core/command-line.js'
import type {AccessContext} from '../lib/access/account/context.js'
import {latestEdit, listUndo, planUndo, undoEdit, type PlannedUndo} from '../lib/access/edit/undo.js'
import {completing} from '../lib/cli/completing.js'
import {EditCommand} from '../lib/command/edit-command.js'
import {applicationEditFlags} from '../lib/command/flags.js'
import {undoJson, undoTable} from '../lib/command/present/edit.js'
import {UserError} from '../lib/core/errors.js'

export default class Undo extends EditCommand<typeof Undo> {
  static override summary = 'List the edits made on this machine, or undo one'
  static override description =
    'Undo restores the fields that the edit changed, and nothing else. It does not overwrite what someone else has changed since. You can undo an undo.'
  static override examples = [
    '<%= config.bin %> undo',
    '<%= config.bin %> undo 0k3m9x0q2 --dry-run',
    '<%= config.bin %> undo --last --yes',
  ]
  static override args = {
    id: completing(
      'edit',
      Args.string({description: 'ID of the edit; without it, edits are listed', ignoreStdin: true}),
    ),
  }
  static override flags = {
    last: Flags.boolean({description: 'the latest edit that is not undone yet'}),
    ...applicationEditFlags,
  }
  // prettier-ignore
  static override asks = {
    needs: [
      'listApplications', 'getApplication', 'listApplicationPolicies', 'listPolicies', 'getPolicy',
      'createApplication', 'replaceApplication', 'deleteApplication', 'createPolicy', 'replacePolicy',
      'deletePolicy', 'createApplicationPolicy', 'replaceApplicationPolicy', 'deleteApplicationPolicy',
      'getGroup', 'createGroup', 'replaceGroup', 'deleteGroup',
    ],
    // Whether a token that rules would name again still exists, and the names of groups.
    tries: ['listServiceTokens', 'listGroups'],
  } as const

  async run(): Promise<object> {
    if (this.args.id !== undefined && this.flags.last) throw bothGiven()
    const ctx = this.access()
    if (this.args.id === undefined && !this.flags.last) return this.list(ctx)
    let {id} = this.args
    // The latest edit is known once no other zt edits; after it was shown, it stays that one.
    const plan = async (): Promise<PlannedUndo> => planUndo(ctx, (id ??= await latestEdit(ctx)))
    const {plan: undone, result} = await this.edit(ctx, plan, {
      question: () => 'Undo it?',
      requireYes: ({record}) => ztCommand(ctx, 'undo', record.id, '--yes'),
      planned: ({record, changes}) => {
        this.print(`To undo: ${record.command}`)
        if (changes.length === 0) this.print('Everything is as it was before the edit.')
      },
      done: () => 'Undone',
      apply: (one) => undoEdit(ctx, one),
    })
    return {...result, undoes: undone.record.id}
  }

  private async list(ctx: AccessContext): Promise<object> {
    const {records, elsewhere, unread} = await listUndo(ctx)
    if (records.length === 0) this.print(`No edits of profile ${ctx.profile} are recorded.`)
    else this.print(undoTable(records))
    for (const file of unread.damaged) this.warn(`${file} is damaged: its edit cannot be undone`)
    for (const file of unread.newer) this.warn(`A newer zt wrote ${file}: only that one can undo its edit`)
    if (elsewhere > 0) this.note(`${elsewhere} more edits belong to other profiles or accounts`)
    return {edits: records.map(undoJson), elsewhere}
  }
}

function bothGiven(): UserError {
  return new UserError({
    kind: 'usage',
    code: 'ID_AND_LAST',
    message: 'Give the ID of an edit or --last, not both',
    next: ['zt undo'],
  })
}
