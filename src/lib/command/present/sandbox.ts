import {facts} from '../../cli/table.js'

/** Where a sandbox is. */
export function sandboxFacts(
  {apiUrl, edge, caFile, ssh}: {apiUrl: string; edge: string; caFile: string; ssh: string},
  last: [title: string, value: string],
): string[] {
  return facts([['API', apiUrl], ['edge', edge], ['edge CA', caFile], ['SSH server', ssh], last])
}
