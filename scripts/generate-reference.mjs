// Writes docs/reference/ from the code, or with --check only says which page is stale.
//   node scripts/generate-reference.mjs [--check] [--docs DIR]
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { format, resolveConfig } from 'prettier'
import ts from 'typescript'
import { cliReference, exitCodesReference } from '../packages/cli/dist/index.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const NEVER_SHIPPED = ['testkit']

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    docs: { type: 'string', default: join(ROOT, 'docs', 'reference') },
  },
})

const pages = {
  'cli.md': cliReference(),
  'exit-codes.md': exitCodesReference(),
  'errors.md': errorsReference(await findErrors()),
}

await mkdir(values.docs, { recursive: true })
for (const [name, text] of Object.entries(pages)) {
  const path = join(values.docs, name)
  const options = await resolveConfig(join(ROOT, 'docs', 'reference', name))
  const page = await format(text, { ...options, parser: 'markdown' })
  if (page === (await readFile(path, 'utf8').catch(() => undefined))) continue
  if (values.check) {
    console.error(`docs/reference/${name} is stale: run node scripts/generate-reference.mjs`)
    process.exitCode = 1
  } else {
    await writeFile(path, page)
    console.log(`wrote ${relative(ROOT, path)}`)
  }
}

/** Every class with a literal `code`, of every package that is shipped, by code. */
async function findErrors() {
  const errors = []
  const packages = await readdir(join(ROOT, 'packages'))
  const folders = [...packages.map((name) => join('packages', name)), 'conformance']
  for (const folder of folders) {
    const name = basename(folder)
    if (NEVER_SHIPPED.includes(name)) continue
    const source = join(ROOT, folder, 'src')
    for (const file of await readdir(source, { recursive: true }).catch(() => [])) {
      if (!file.endsWith('.ts')) continue
      errors.push(...errorsIn(join(source, file), await readFile(join(source, file), 'utf8'), name))
    }
  }
  return errors.sort((one, other) => (one.code < other.code ? -1 : one.code > other.code ? 1 : 0))
}

function errorsIn(path, text, packageName) {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  return file.statements.filter(ts.isClassDeclaration).flatMap((declaration) => {
    const code = initializerOf(declaration, 'code')
    // Errors that extend `Error` itself stay inside their package.
    const parent = declaration.heritageClauses?.[0]?.types[0]?.expression.getText() ?? 'Error'
    if (code === undefined || !ts.isStringLiteral(code) || parent === 'Error') {
      return []
    }
    const retryable = initializerOf(declaration, 'retryable')?.kind
    return [
      {
        code: code.text,
        name: declaration.name.text,
        packageName,
        retryable:
          retryable === ts.SyntaxKind.TrueKeyword
            ? 'yes'
            : retryable === ts.SyntaxKind.FalseKeyword
              ? 'no'
              : 'depends',
        meaning: firstParagraph(declaration),
      },
    ]
  })
}

function initializerOf(declaration, name) {
  let { initializer } =
    declaration.members.find(
      (member) => ts.isPropertyDeclaration(member) && member.name.getText() === name,
    ) ?? {}
  while (initializer !== undefined && ts.isAsExpression(initializer))
    ({ expression: initializer } = initializer)
  return initializer
}

function firstParagraph(declaration) {
  const [comment] = ts.getJSDocCommentsAndTags(declaration).filter(ts.isJSDoc)
  const text = ts.getTextOfJSDocComment(comment?.comment) ?? ''
  return text
    .split(/\n\s*\n/)[0]
    .replace(/\{@link ([^}|]+)(\|[^}]*)?\}/g, '`$1`')
    .replace(/\s+/g, ' ')
    .replaceAll('|', '\\|')
    .trim()
}

function errorsReference(errors) {
  return [
    '# Errors',
    '',
    'Generated from the error classes in the code by `node scripts/generate-reference.mjs`; do not edit.',
    '',
    'The command prints an error as one line: what happened, what to do next, and the code in brackets.',
    'Libraries throw the class. Codes are stable: never renamed, and never used for something else.',
    'No message holds patient data, tokens or bodies of requests. "Again" says whether the same call,',
    'repeated unchanged later, can succeed.',
    '',
    '| code | class | package | again | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...errors.map(
      ({ code, name, packageName, retryable, meaning }) =>
        `| \`${code}\` | \`${name}\` | ${packageName} | ${retryable} | ${meaning} |`,
    ),
    '',
  ].join('\n')
}
