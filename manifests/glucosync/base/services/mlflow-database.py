"""Makes the tables of an empty database, or brings an older one to this version of MLflow. The servers only look whether it fits."""
import os

from mlflow.store.db import utils

engine = utils.create_sqlalchemy_engine_with_retry(os.environ["MLFLOW_BACKEND_STORE_URI"])
if utils._all_tables_exist(engine):
    utils._upgrade_db(engine)
else:
    utils._initialize_tables(engine)
utils._verify_schema(engine)
print("the database fits this version")
