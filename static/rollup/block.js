// One block: how far it is, its proof, its transaction.

import { find, moment, put } from '../exchange/dom.js';
import { follow } from './live.js';
import { count, hex, seconds } from './words.js';

const page = JSON.parse(find('page-data').textContent);

function draw(block) {
  find('status').dataset.status = block.status;
  put(find('status'), block.status);
  find('trouble').hidden = !block.reason;
  put(find('trouble'), block.reason ?? '');
  for (const step of find('steps').children) {
    const at = block[step.dataset.step];
    step.classList.toggle('done', at !== null);
    put(step.querySelector('time'), at === null ? '' : moment(at));
  }
  put(find('proof'), block.proof_ms === null ? 'not yet' : `in ${seconds(block.proof_ms)}${page.prover ? ` by ${page.prover}` : ''}`);
  put(find('transaction'), block.l1_tx ?? 'not yet');
  if (page.explorer && block.l1_tx) find('transaction').href = page.explorer + block.l1_tx;
  put(find('mined'), block.l1_block === null ? '' : `in the chain's block ${count(block.l1_block)}`);
  put(find('gas'), block.gas === null ? '–' : `${count(block.gas)}, ${count(block.gas_per_slot)} a slot`);
}

for (const root of document.querySelectorAll('.root')) put(root, hex(root.title));
draw(page.block);
follow(`/blocks/${page.block.number}`, draw);
