import type {AccessApi} from '../api/types.js'
import {ruleInWords} from '../policy/rule-words.js'
import type {Rules} from './rule-input.js'
import {readRuleNames} from './rule-names.js'

/** The rules of a policy or an Access group, each as a person would say it. */
export type RulesInWords = Record<keyof Rules, string[]>

/** Looks up what the rules name. */
export async function rulesInWords(
  api: AccessApi,
  {include, require, exclude}: Rules,
): Promise<RulesInWords> {
  const names = await readRuleNames(api, [...include, ...require, ...exclude])
  const inWords = (rules: Rules['include']): string[] => rules.map((rule) => ruleInWords(rule, names))
  return {include: inWords(include), require: inWords(require), exclude: inWords(exclude)}
}
