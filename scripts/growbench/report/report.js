// Tables can be sorted by any column and filtered. Without this script they are read as they are.
'use strict';

for (const table of document.querySelectorAll('table.data')) {
	const body = table.tBodies[0];
	const headers = Array.from(table.tHead.rows[0].cells);
	const rows = Array.from(body.rows);
	const box = table.closest('.box');
	if (rows.length < 2)
		continue;

	const status = document.createElement('span');
	status.className = 'shown';
	status.setAttribute('role', 'status');
	let sorted = '';
	const announce = () => {
		const shown = rows.filter((row) => !row.hidden).length;
		const count = shown === rows.length ? `${shown} rows` : `${shown} of ${rows.length} rows`;
		status.textContent = count + sorted;
	};

	const key = (row, column) => {
		const cell = row.cells[column];
		if (!cell.hasAttribute('data-v'))
			return cell.textContent.toLowerCase();
		const value = cell.getAttribute('data-v');
		return value === '' ? null : Number(value);
	};
	// What is missing comes last in either direction; equal rows keep their order.
	const sort = (column, direction) => {
		const keyed = rows.map((row, place) => ({row, place, key: key(row, column)}));
		keyed.sort((a, b) => {
			if (a.key === null || b.key === null)
				return (a.key === null) - (b.key === null) || a.place - b.place;
			const order = a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
			return order * direction || a.place - b.place;
		});
		body.append(...keyed.map((entry) => entry.row));
	};
	headers.forEach((header, column) => {
		const button = document.createElement('button');
		button.type = 'button';
		button.append(...header.childNodes);
		header.append(button);
		button.addEventListener('click', () => {
			const descending = header.getAttribute('aria-sort') === 'ascending';
			headers.forEach((other) => other.removeAttribute('aria-sort'));
			header.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
			sort(column, descending ? -1 : 1);
			const direction = descending ? 'descending' : 'ascending';
			sorted = `, sorted by ${button.textContent.trim()}, ${direction}`;
			announce();
		});
	});

	const bar = document.createElement('p');
	bar.className = 'filter';
	if (rows.length > 20) {
		const label = document.createElement('label');
		const field = document.createElement('input');
		field.type = 'search';
		field.placeholder = 'words, such as glibc 10,000';
		field.autocomplete = 'off';
		label.append('Filter: ', field);
		bar.append(label);
		field.addEventListener('input', () => {
			const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
			for (const row of rows) {
				const text = Array.from(row.cells, (cell) => cell.textContent).join('\n').toLowerCase();
				row.hidden = !words.every((word) => text.includes(word));
			}
			announce();
		});
	}
	bar.append(status);
	box.before(bar);
	if (rows.length > 20)
		announce();
}
