-- Prevents: two clocks, which would multiply every model that joins with this one, or none, which
-- would leave them empty.
select count(*) as row_count
from {{ ref('as_of_date') }}
having count(*) <> 1
