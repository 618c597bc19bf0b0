import type {
  Admission,
  ClientAnswer,
  EdgeAnswer,
  EdgeReason,
  ExplainedApplication,
  ExplainedTrap,
  PolicyTrace,
  UnknownFact,
} from '../../access/explain/application.js'
import {causeJson, causesInWords} from '../../access/explain/explain.js'
import {factInWords} from '../../access/explain/unknown-facts.js'
import {kindOf} from '../../access/applications/kinds.js'
import {actionName} from '../../access/rules/action-name.js'
import type {Application} from '../../api/types.js'
import {columnsOf, style} from '../../cli/streams.js'
import {facts, table} from '../../cli/table.js'
import {indented, wrapped} from '../../cli/wrapped.js'
import {commandIn} from '../../core/command-line.js'

interface From {
  ip?: string | undefined
  country?: string | undefined
}

const VERDICTS: Record<EdgeAnswer['verdict'], string> = {
  allow: style.success('allow'),
  bypass: style.caution('bypass'),
  login: style.caution('login'),
  deny: style.failure('deny'),
  unknown: style.caution('unknown'),
}

/** Why the edge answers so: a clause. */
const REASONS: Record<EdgeReason, string> = {
  'public-path': 'the application makes this path public',
  'options-bypass': 'OPTIONS requests pass without Access',
  'preflight-answered': 'Access answers the CORS preflight',
  'preflight-refused': 'the CORS settings do not allow it',
  'credentials-refused': 'strict authentication refuses the credentials',
  'not-authorised': 'the credentials are right, and no rule admits them',
  'service-auth': 'a Service Auth rule admits it',
  bypass: 'a Bypass rule lets everyone in whom it includes',
  person: 'an Allow rule admits the person after the login',
  session: 'the session admits it',
  blocked: 'a Block rule refuses it',
  denied: 'no rule admits the person',
  'login-method': 'the application does not offer the login method',
  'preflight-denied': 'no rule admits the preflight',
  'service-auth-401': 'no rule admits it (service_auth_401_redirect)',
  'no-allow': 'no rule admits it, and there is no login to offer',
  xhr: 'a login is needed',
  'managed-oauth': 'a login is needed (Managed OAuth)',
  'login-page': 'a login is needed',
  unmatched: 'no application covers the host',
}

/** The flags that give what would decide. */
const GIVEN_BY: Partial<Record<UnknownFact['fact'], string>> = {
  ip: '--ip',
  country: '--country',
  email: '--email',
  groups: '--group',
}

function factWithFlag(unknown: UnknownFact): string {
  const flag = GIVEN_BY[unknown.fact]
  return factInWords(unknown) + (flag === undefined ? '' : ` (${flag})`)
}

const OUTCOMES: Record<PolicyTrace['outcome'], string> = {
  matched: style.success('decides'),
  'no-include': style.secondary('not included'),
  excluded: style.secondary('excluded'),
  'require-failed': style.secondary('not met'),
  'needs-identity': style.caution('needs a login'),
  unknown: style.caution('unknown'),
  'not-reached': style.secondary('not reached'),
}

/** The answer to one client: the verdict, the deciding rule, every rule in order of evaluation, and what to do. */
export function answerText(explained: ExplainedApplication, answered: ClientAnswer, from: From): string[] {
  const {application} = explained
  const {answer, causes} = answered
  const {why, next} = causesInWords({known: [], causes})
  return [
    ...facts(
      [
        ['application', style.name(whereInWords(explained))],
        ['client', clientInWords(answered)],
        ['from', fromInWords(from)],
        ['verdict', verdictInWords(answer, kindOf(application.type).refusal)],
        ['rule', answer.policy && `"${answer.policy.name}" (${actionName(answer.policy.decision)})`],
        ['would decide', answer.undecided.length > 0 ? answer.undecided.map(factWithFlag).join('; ') : undefined],
        ...why.map((line, at): [string, string] => [at === 0 ? 'why' : '', line]),
      ],
      columnsOf('stdout'),
    ),
    '',
    ...(answer.trail.length > 0 ? trailTable(application, answer.trail) : [noTrail(application)]),
    ...trapText(explained.traps),
    ...(next.length > 0 ? ['', ...nextLines(next)] : []),
  ]
} // prettier-ignore

function whereInWords({application: {name, domain}, address}: ExplainedApplication): string {
  const where = address ? `${address.host}${address.path === '/' ? '' : address.path}` : domain
  return where === undefined ? name : `${name} (${where})`
}

function clientInWords({client}: ClientAnswer): string {
  if (client.kind === 'none') return 'without credentials'
  if (client.kind === 'token') {
    const {name, status} = client.token
    return `service token ${name}${status === 'active' ? ', with its current secret' : ` (${status})`}`
  }
  const groups = client.groups && client.groups.length > 0 ? `, in ${client.groups.join(', ')}` : ''
  return `${client.email}${groups}`
}

function fromInWords({ip, country}: From): string {
  if (ip === undefined && country === undefined) return 'not given'
  return [ip, country].filter((one) => one !== undefined).join(', ')
}

/** @param refusal what a client that is not admitted meets, where that is no answer of a web server */
function verdictInWords({verdict, possible}: EdgeAnswer, refusal: string | undefined): string {
  const [first, ...others] = possible.map(({verdict: one, reason, status}) => {
    const met = status ?? (one === 'allow' || one === 'bypass' ? undefined : refusal)
    return `${verdict === 'unknown' ? `${one}, ` : ''}${REASONS[reason]}${met === undefined ? '' : ` (${met})`}`
  })
  const said = [first, ...others].filter((one) => one !== undefined)
  return said.length === 0 ? VERDICTS[verdict] : `${VERDICTS[verdict]}: ${said.join('; or ')}`
}

function trailTable(application: Application, trail: readonly PolicyTrace[]): string[] {
  return table(trail, [
    {title: '#', value: ({policyId}) => placeOf(application, policyId)},
    {title: 'RULE', value: ({name}) => name, wraps: true},
    {title: 'ACTION', value: ({decision}) => actionName(decision)},
    {title: 'OUTCOME', value: ({outcome}) => OUTCOMES[outcome]},
    {title: 'WHY', value: ({why}) => why, wraps: true},
  ])
}

/** Its precedence, as `zt app show` has it. */
function placeOf({policies}: Application, policyId: string): string {
  return String(precedenceOf(policies, policyId) ?? '')
}

function precedenceOf(policies: Application['policies'], policyId: string): number | undefined {
  const at = policies.findIndex(({id}) => id === policyId)
  return at < 0 ? undefined : (policies[at]?.precedence ?? at + 1)
}

function noTrail({policies}: Application): string {
  return policies.length === 0 ? 'The application has no rules.' : 'Access does not get to the rules.'
}

/** The traps, and below each what removes it. */
function trapText(traps: readonly ExplainedTrap[]): string[] {
  return traps.flatMap(({id, why, remedies}) => [
    '',
    ...wrapped(`${style.caution(`trap ${id}`)}: ${why}`, columnsOf('stdout')),
    ...remedies.flatMap(({what, command}) =>
      command === undefined
        ? indented(`${what}.`, 2)
        : [...indented(`${what}:`, 2), `    ${style.command(command)}`],
    ),
  ])
}

/** A command stays on one line, however long: it will be copied. */
function nextLines(next: readonly string[]): string[] {
  const label = `${style.heading('next:')}  `
  return next.flatMap((step) => {
    const {lead = '', line} = commandIn(step) ?? {}
    if (line !== undefined) return [`${label}${lead}${style.command(line)}`]
    const [first = '', ...more] = wrapped(step, columnsOf('stdout') - NEXT)
    return [`${label}${first}`, ...more.map((one) => ' '.repeat(NEXT) + one)]
  })
}

const NEXT = 'next:  '.length

const ADMITTED = {
  yes: style.success('yes'),
  conditional: style.caution('conditional'),
  no: style.secondary('no'),
}

/** Who gets in: service tokens, everyone, and the rules for people. */
export function admissionText(explained: ExplainedApplication, admission: Admission, from: From): string[] {
  const {tokens, everyone, people} = admission
  return [
    ...facts(
      [
        ['application', style.name(whereInWords(explained))],
        ['from', fromInWords(from)],
        ['everyone', `${ADMITTED[everyone.admitted]}: ${everyone.admitted === 'no' ? 'no rule admits a client without credentials' : `"${everyone.policy?.name ?? ''}". ${everyone.why}`}`],
      ],
      columnsOf('stdout'),
    ),
    '',
    ...(tokens.length === 0
      ? ['No service tokens.']
      : table(tokens, [
          {title: 'SERVICE TOKEN', value: ({token}) => token.name},
          {title: 'GETS IN', value: ({admitted}) => ADMITTED[admitted]},
          {title: 'RULE', value: ({policy}) => policy?.name ?? '', wraps: true},
          {title: 'WHY', value: ({why}) => why, wraps: true},
        ])),
    ...(people.length === 0
      ? []
      : [
          '',
          ...table(people, [
            {title: '#', value: ({policy}) => placeOf(explained.application, policy.id)},
            {title: 'RULE FOR PEOPLE', value: ({policy}) => policy.name, wraps: true},
            {title: 'ACTION', value: ({policy}) => actionName(policy.decision)},
            {title: 'WHOM', value: ({words}) => whomInWords(words), wraps: true},
          ]),
        ]),
    ...trapText(explained.traps),
  ]
} // prettier-ignore

function whomInWords({include, require, exclude}: Admission['people'][number]['words']): string {
  return [
    include.join(' or '),
    ...(require.length > 0 ? [`and ${require.join(' and ')}`] : []),
    ...(exclude.length > 0 ? [`but not ${exclude.join(' or ')}`] : []),
  ].join(', ')
}

/** The JSON shape of an application that is explained, with the answer to one client or with who gets in. */
export function explainJson(
  explained: ExplainedApplication,
  from: From,
  {answered, admission}: {answered?: ClientAnswer | undefined; admission?: Admission | undefined},
): object {
  const {application, address, traps} = explained
  const {id, name, type, domain} = application
  return {
    application: {id, name, type, domain: domain ?? null},
    address: address ?? null,
    from: {ip: from.ip ?? null, country: from.country ?? null},
    ...(answered && answerJson(application, answered)),
    ...(admission && {admission: admissionJson(application, admission)}),
    traps: traps.map(({id: kind, applicationId, policyId, otherId, groupId, tokenIds, why, remedies}) => ({
      ...{id: kind, applicationId, policyId: policyId ?? null, otherId: otherId ?? null},
      ...{groupId: groupId ?? null, tokenIds: [...tokenIds], why},
      remedies: remedies.map(({what, command}) => ({what, command: command ?? null})),
    })),
  }
}

function answerJson(application: Application, {client, answer, causes}: ClientAnswer): object {
  const {verdict, policy, possible, trail, undecided} = answer
  return {
    client:
      client.kind === 'token'
        ? {kind: client.kind, ...client.token}
        : client.kind === 'person'
          ? {kind: client.kind, email: client.email, groups: client.groups ?? null}
          : {kind: client.kind},
    verdict,
    possible: possible.map((one) => ({...one, status: one.status ?? null})),
    rule: policy ? {id: policy.id, name: policy.name, decision: policy.decision} : null,
    trail: trail.map(({policyId, ...rest}) => ({
      id: policyId,
      ...rest,
      action: actionName(rest.decision),
      precedence: precedenceOf(application.policies, policyId) ?? null,
    })),
    undecided: undecided.map(({fact, of}) => ({fact, of: of ?? null})),
    causes: causes.map(causeJson),
  }
}

function admissionJson({policies}: Application, {tokens, everyone, people}: Admission): object {
  const rule = (one: {policy: {id: string; name: string} | undefined}): object | null =>
    one.policy ? {id: one.policy.id, name: one.policy.name} : null
  return {
    tokens: tokens.map(({token, admitted, why, ...one}) => ({...token, admitted, rule: rule(one), why})),
    everyone: {admitted: everyone.admitted, rule: rule(everyone), why: everyone.why},
    people: people.map(({policy: {id, name, decision}, words}) => ({
      ...{id, name, decision, action: actionName(decision)},
      precedence: precedenceOf(policies, id) ?? null,
      inWords: words,
    })),
  }
}
