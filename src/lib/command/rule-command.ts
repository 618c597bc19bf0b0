import {type Command} from '@oclif/core'
import {showApplication} from '../access/applications/list.js'
import type {AccessContext} from '../access/account/context.js'
import type {PlannedBinding} from '../access/account/host-bindings.js'
import type {RuleInput} from '../access/rules/input.js'
import {listServiceTokens} from '../access/tokens/list.js'
import {sameJson} from '../core/canonical-json.js'
import {UserError} from '../core/errors.js'
import {EditCommand} from './edit-command.js'
import {boundLines} from './present/rule-edit.js'
import {ruleInputOf} from './rule-flags.js'

/** A command on the rules of applications. On a terminal it offers choices for what the flags do not name. */
export abstract class RuleCommand<T extends typeof Command> extends EditCommand<T> {
  /** The rule that was given or is chosen. */
  protected async chosenRule(
    ctx: AccessContext,
    application: string,
    named: string | undefined,
    instead: string,
  ): Promise<string> {
    if (named !== undefined) return named
    this.prompts.require('The rule', instead)
    const {name, policies} = await showApplication(ctx, application)
    if (policies.length === 0) throw nothing(`"${name}" has no rules`, 'zt app add-rule')
    return this.prompts.choose(
      'Rule',
      policies.map((policy) => ({name: policy.name, value: policy.id})),
    )
  }

  /** Whom the flags admit; without such flags, service tokens are chosen. */
  protected async chosenRules(ctx: AccessContext, instead: string): Promise<RuleInput> {
    const input = ruleInputOf(this.flags)
    if (Object.keys(input.include).length > 0) return input
    this.prompts.require('--token, --group or --any-token', instead)
    const tokens = await listServiceTokens(ctx)
    if (tokens.length === 0) throw nothing('The account has no service tokens', 'zt token create')
    const chosen = await this.prompts.chooseMany(
      'Service tokens',
      tokens.map(({token}) => ({name: token.name, value: token.id})),
    )
    return {...input, include: {service_token: chosen}}
  }

  /** Whom the new rule admits; undefined if no flag asks for a rule. */
  protected async optionalRules(
    ctx: AccessContext,
    ruleName: string | undefined,
    instead: string,
  ): Promise<RuleInput | undefined> {
    const flags = this.flags as Readonly<Record<string, unknown>>
    if (flags['service-auth'] !== true) {
      if (ruleName === undefined && asksForNothing(ruleInputOf(flags))) return undefined
      this.prompts.require('--service-auth', instead)
    }
    return this.chosenRules(ctx, instead)
  }

  /** Says which hosts an edit binds, or would bind, to a token, and suggests a connection to the first one. */
  protected showBound({bound, connect}: PlannedBinding): void {
    for (const line of boundLines(bound, this.dryRun)) this.print(line)
    if (!this.dryRun) this.next(...connect)
  }

  /** A text that is not on the command line. */
  protected async typed(what: string, question: string, instead: string): Promise<string> {
    this.prompts.require(what, instead)
    return this.prompts.text(question)
  }
}

function asksForNothing(input: RuleInput): boolean {
  return sameJson(input, ruleInputOf({}))
}

function nothing(message: string, next: string): UserError {
  return new UserError({kind: 'not-found', code: 'NOTHING_TO_CHOOSE', message, next: [next]})
}
