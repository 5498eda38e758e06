import type { Receipt, ReceiptFile } from './receipt.ts'

const MAX_PROBLEMS = 50

/** A heading with its table or list. */
interface Section {
  readonly title: string
  readonly head?: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** The receipt as a Markdown page. */
export function receiptMarkdown(receipt: Receipt): string {
  const sections = sectionsOf(receipt).map(({ title, head, rows }) => {
    const cells = (row: readonly string[]): string => `| ${row.map(escaped).join(' | ')} |`
    const columns = head ?? rows[0] ?? []
    const rule = `| ${columns.map(() => '---').join(' | ')} |`
    const header = cells(head ?? columns.map(() => ''))
    return [`## ${title}`, '', header, rule, ...rows.map(cells), ''].join('\n')
  })
  return [`# Export receipt: ${receipt.verdict}`, '', summaryOf(receipt), '', ...sections].join(
    '\n',
  )
}

/** The receipt as plain text in columns, for a terminal or a log. */
export function receiptText(receipt: Receipt): string {
  const sections = sectionsOf(receipt).map(({ title, head, rows }) => {
    const all = head === undefined ? rows : [head, ...rows]
    const widths = (all[0] ?? []).map((_, column) =>
      Math.max(...all.map((row) => (row[column] ?? '').length)),
    )
    const lines = all.map((row) =>
      `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
    )
    return [title, ...lines, ''].join('\n')
  })
  return [`Verdict: ${receipt.verdict}`, summaryOf(receipt), '', ...sections].join('\n')
}

function summaryOf({ totals, verdict, transactionTime }: Receipt): string {
  const held = `${totals.filesComplete} of ${totals.files} files are on disk and checked`
  const next =
    verdict === 'complete'
      ? 'Everything that the manifest promises is there.'
      : 'Do not use this data as if it were everything; see the problems below.'
  return `${held}: ${totals.resources} resources as of ${transactionTime}. ${next}`
}

function sectionsOf(receipt: Receipt): readonly Section[] {
  const { request, server, times, totals } = receipt
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Provider', request.url],
    ['Level', request.groupId === undefined ? request.level : `group ${request.groupId}`],
    ['Parameters', parametersText(receipt)],
    ['Edition', `${request.edition} by ${request.method}`],
    ['Software', [server.softwareName, server.softwareVersion].filter(Boolean).join(' ')],
    ['Vendor profile', server.profile],
    ['Data as of', receipt.transactionTime],
    ['Started', times.startedAt],
    ['Finished', `${times.finishedAt}, in ${times.sessions} session(s)`],
    ['Bytes', `${totals.bytes} (${totals.transferredBytes} over the wire)`],
    ['Deletions', String(totals.deletions)],
    ['Quarantined lines', String(totals.quarantinedLines)],
    ['Deleted at provider', receipt.deletedAtProvider ? 'yes' : 'no'],
  ]
  const known = facts.flatMap(([name, value]) => (value ? [[name, value]] : []))
  return [
    { title: 'Export', rows: known },
    {
      title: 'Files',
      head: ['type', 'files', 'complete', 'resources', 'bytes'],
      rows: types(receipt),
    },
    { title: 'Problems', head: ['severity', 'code', 'where', 'what'], rows: problems(receipt) },
    {
      title: "What the provider's outcome files say",
      head: ['severity', 'code', 'issues'],
      rows: receipt.outcomes.map(({ severity, code, count }) => [severity, code, String(count)]),
    },
    {
      title: 'References that lead to no resource of the export',
      head: ['type', 'resources'],
      rows: (receipt.unresolvedReferences ?? []).map((row) => [row.type, String(row.resources)]),
    },
    {
      title: 'Known gaps of this vendor',
      rows: server.knownGaps.map((gap) => [gap]),
    },
  ].filter(({ rows }) => rows.length > 0)
}

function parametersText({ request }: Receipt): string {
  const parameters = Object.entries(request.parameters)
  return parameters.map(([name, value]) => `${name}=${String(value)}`).join(' ')
}

function types({ files }: Receipt): readonly (readonly string[])[] {
  const byType = new Map<string, ReceiptFile[]>()
  for (const file of files) {
    const name = file.kind === 'output' ? printableType(file.type) : file.kind
    byType.set(name, [...(byType.get(name) ?? []), file])
  }
  return [...byType].map(([name, ofType]) => {
    const sum = (figure: (file: ReceiptFile) => number): string =>
      String(ofType.reduce((total, file) => total + figure(file), 0))
    return [
      name,
      String(ofType.length),
      sum(({ state }) => (state === 'complete' ? 1 : 0)),
      sum(({ received }) => received.count ?? 0),
      sum(({ received }) => received.bytes ?? 0),
    ]
  })
}

function printableType(type: string): string {
  return /^[A-Za-z]{1,64}$/.test(type) ? type : '(not a type)'
}

function problems(receipt: Receipt): readonly (readonly string[])[] {
  const rows = receipt.problems.slice(0, MAX_PROBLEMS).map((problem) => {
    const line = problem.lineNumber === undefined ? '' : `:${problem.lineNumber}`
    return [problem.severity, problem.code, `${problem.file ?? ''}${line}`, problem.message]
  })
  const untold = receipt.problems.length - rows.length
  if (untold > 0) rows.push(['', '', '', `and ${untold} more, all of them in receipt.json`])
  return rows
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|')
}
