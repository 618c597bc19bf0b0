const ACTIONS: Record<string, string> = {
  allow: 'Allow',
  deny: 'Block',
  non_identity: 'Service Auth',
  bypass: 'Bypass',
}

/** The action as the dashboard calls it. */
export function actionName(decision: string): string {
  return ACTIONS[decision] ?? decision
}
