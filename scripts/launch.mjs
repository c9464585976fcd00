#!/usr/bin/env node
// Every npm script of Dash goes through this file: it makes sure of the dependencies and of a
// suitable Node, then runs the verb with them.
//
//   node scripts/launch.mjs start|test|check|bench|chaos|build|gen|dashctl [arguments]
//
// This first file is written for very old Nodes too, so that they can say what is missing.
var major = Number(process.versions.node.split('.')[0]);
if (major < 18) {
  process.stderr.write(
    'Dash needs Node 18 or newer to set itself up, and this is Node ' +
      process.versions.node +
      '.\nInstall a newer one (https://nodejs.org, or your package manager) and run the command again;' +
      ' Dash then fetches the exact Node it runs on by itself.\n',
  );
  process.exit(1);
}

void import('./launch/main.mjs').then(function (launcher) {
  return launcher.main(process.argv.slice(2));
});
